//! `marque code check`.

use marque_core::LicenseCode;
use marque_core::code::Origin;
use serde_json::json;

use crate::cli::{Code, CodeCommand};
use crate::output::{self, Answer, Outcome};

pub(crate) fn run(options: &Code) -> Answer {
    let CodeCommand::Check { code, json } = &options.command;
    let read = code.parse::<LicenseCode>();
    if *json {
        let document = match &read {
            Ok(code) => json!({"valid": true, "code": code.reveal(), "origin": origin(code)}),
            Err(error) => json!({"valid": false, "error": error.to_string()}),
        };
        output::json(&document);
    }
    match read {
        Ok(code) => {
            if !json {
                output::say(format!("{}: {}", code.reveal(), meaning(&code)));
            }
            Ok(Outcome::Good)
        }
        Err(error) => {
            if !json {
                output::say(format!("refused: {error}"));
            }
            Ok(Outcome::Refused)
        }
    }
}

fn origin(code: &LicenseCode) -> &'static str {
    match code.origin() {
        Origin::Native => "native",
        Origin::Imported => "imported",
    }
}

fn meaning(code: &LicenseCode) -> &'static str {
    match code.origin() {
        Origin::Native => "well typed: its check symbols agree",
        Origin::Imported => "has the form of an imported code, which carries no check: only the service knows it",
    }
}
