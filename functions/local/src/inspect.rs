//! `marque inspect`: what is in a token, marked as not verified.

use marque_core::token::UnverifiedToken;
use serde_json::json;

use crate::cli::Inspect;
use crate::input;
use crate::output::{self, Answer, Outcome};

pub(crate) fn run(options: &Inspect) -> Answer {
    let token = match input::token(&options.file)? {
        Ok(token) => token,
        Err(error) => {
            if options.json {
                output::json(&json!({"verified": false, "error": error}));
            } else {
                output::say(format!("refused: {error}"));
            }
            return Ok(Outcome::Refused);
        }
    };
    if options.json {
        output::json(&json!({
            "verified": false,
            "typ": token.unverified_typ(),
            "kid": token.unverified_kid(),
            "claims": token.unverified_claims(),
        }));
    } else {
        for_people(&token);
    }
    Ok(Outcome::Good)
}

fn for_people(token: &UnverifiedToken) {
    output::say("NOT VERIFIED: anybody can have written this. Use `marque verify` to know.");
    output::say(format!("typ  {}", token.unverified_typ()));
    output::say(format!("kid  {}", output::plain(token.unverified_kid())));
    let mut table = output::table(["claim", "value"]);
    for (name, value) in token.unverified_claims() {
        let shown = match (name.as_str(), value.as_i64().and_then(marque_core::Timestamp::from_unix)) {
            ("iat" | "exp", Some(time)) => format!("{value} ({time})"),
            _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        table.add_row([output::plain(name), output::plain(&shown)]);
    }
    anstream::println!("{table}");
}
