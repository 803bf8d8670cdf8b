//! `marque verify`: is it genuine, is it good, for whom, until when.

use marque_core::token::{AnyVerified, Expected, Judgement, KeySet, Site, UnverifiedToken};
use marque_core::{Fingerprint, FingerprintKind, Timestamp};
use marque_service::Clock;
use serde_json::{Value, json};

use crate::cli::Verify;
use crate::input;
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Verify) -> Answer {
    let root = options.root.as_deref().map(input::public_key).transpose()?;
    let keys = key_set(options)?;
    let token = input::token(&options.file)?;
    let expected = Expected { issuer: options.iss.as_deref(), audience: options.aud.as_ref() };
    let verified = token.and_then(|token| {
        let verified =
            AnyVerified::verify(&token, &keys, root.as_ref(), expected).map_err(|error| error.to_string())?;
        Ok((token, verified))
    });
    let (token, verified) = match verified {
        Ok(both) => both,
        Err(error) => return Ok(refuse(options, &error, None)),
    };
    let revocations = match &options.crl {
        None => None,
        Some(path) => {
            let list = input::token(path)?
                .and_then(|list| list.verify(&keys, Expected::default()).map_err(|error| error.to_string()));
            Some(list.map_err(|error| Unusable::new(format!("the list {} cannot be used: {error}", path.display())))?)
        }
    };
    let now = options.at.unwrap_or_else(|| Clock::system().now());
    // The kind is the token's own affair here: people are given the 64 digits.
    let domain = options.fingerprint.map(|value| Fingerprint { kind: claimed_kind(&token), value });
    match verified.judge(Site { now, fingerprint: domain.as_ref(), revocations: revocations.as_ref() }) {
        Judgement::Good { until, warnings } => {
            let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            accept(options, &token, until, &warnings);
            Ok(Outcome::Good)
        }
        Judgement::Refused(refused) => Ok(refuse(options, &refused.to_string(), Some(&token))),
    }
}

fn key_set(options: &Verify) -> Result<KeySet, Unusable> {
    match (&options.keys, &options.key_set, &options.root) {
        (Some(place), _, _) => {
            let document = input::file_or_url(place)?;
            KeySet::parse(&document).map_err(|error| Unusable::new(format!("{place} is no key set: {error}")))
        }
        (None, Some(path), Some(root)) => {
            let root = input::public_key(root)?;
            let set = input::token(path)?.and_then(|token| {
                token.verify_key_set(&root, options.iss.as_deref(), None).map_err(|error| error.to_string())
            });
            let set =
                set.map_err(|error| Unusable::new(format!("the key set {} cannot be used: {error}", path.display())))?;
            Ok(set.into_claims().keys)
        }
        (None, None, Some(_)) => Ok(KeySet::default()),
        _ => Err(Unusable::new(
            "give the keys to verify with: `--keys FILE|URL`, or `--root FILE` with `--key-set FILE`",
        )),
    }
}

fn claimed_kind(token: &UnverifiedToken) -> FingerprintKind {
    let kind = token
        .unverified_claims()
        .get("fingerprint")
        .and_then(|fingerprint| fingerprint.get("kind"))
        .and_then(Value::as_str);
    kind.and_then(|kind| kind.parse().ok()).unwrap_or(FingerprintKind::AdDomain)
}

fn accept(options: &Verify, token: &UnverifiedToken, until: Option<Timestamp>, warnings: &[String]) {
    if options.json {
        output::json(&json!({
            "verdict": "good",
            "typ": token.unverified_typ(),
            "kid": token.unverified_kid(),
            "until": until,
            "warnings": warnings,
            "claims": token.unverified_claims(),
        }));
        return;
    }
    let claim = |name: &str| token.unverified_claims().get(name).and_then(Value::as_str).map(output::plain);
    let until = until.map_or_else(|| "without an end".to_owned(), |until| format!("until {until}"));
    let licence = claim("sub").map(|sub| format!(" of {sub}")).unwrap_or_default();
    let product = claim("aud").map(|aud| format!(" for {aud}")).unwrap_or_default();
    output::say(format!("good: a {}{licence}{product}, {until}", token.unverified_typ()));
    for warning in warnings {
        output::say(format!("warning: {warning}"));
    }
}

fn refuse(options: &Verify, reason: &str, genuine: Option<&UnverifiedToken>) -> Outcome {
    if options.json {
        output::json(&json!({
            "verdict": "refused",
            "reason": reason,
            "genuine": genuine.is_some(),
            "typ": genuine.map(UnverifiedToken::unverified_typ),
            "claims": genuine.map(UnverifiedToken::unverified_claims),
        }));
    } else {
        let what = genuine.map(|token| format!("a genuine {}, but ", token.unverified_typ())).unwrap_or_default();
        output::say(format!("refused: {what}{}", output::plain(reason)));
    }
    Outcome::Refused
}
