//! `marque keys`: the root, the ring, rotation.

use std::path::Path;

use marque_core::token::{ListedKey, Typ};
use marque_core::{Duration, Timestamp};
use marque_service::config::is_issuer;
use marque_service::keyring::{Duty, NewKey, RingDocument, RootDocument};
use marque_service::{Clock, chance};
use serde_json::json;

use crate::cli::{DutyName, Keys, KeysCommand};
use crate::output::{self, Answer, Outcome, Unusable};
use crate::{input, serve};

pub(crate) fn run(options: Keys) -> Answer {
    match options.command {
        KeysCommand::Root { out, json } => root(&out, json),
        KeysCommand::List { ring, json } => list(&ring, json),
        KeysCommand::Rotate { ring, root, duty, issuer, longest_lease, at } => {
            let now = at.unwrap_or_else(|| Clock::system().now());
            let duty = match duty {
                DutyName::Lease => Duty::Lease,
                DutyName::File => Duty::File,
            };
            rotate(&ring, &root, duty, issuer.as_deref(), longest_lease, now)
        }
    }
}

fn root(out: &Path, json: bool) -> Answer {
    if out.exists() {
        return Err(Unusable::new(format!("{} is there already: a root is never overwritten", out.display())));
    }
    let root = RootDocument::new(chance::draw());
    serve::write_secret(out, &root)?;
    let public = root.key().public().to_jwk();
    if json {
        output::json(&json!({"root": public, "secret_file": out}));
    } else {
        output::say(format!("The secret half is in {}: keep it off line, and a copy of it in a safe.", out.display()));
        output::say("Products embed this public half:");
        output::json(&public);
    }
    Ok(Outcome::Good)
}

fn list(path: &Path, json: bool) -> Answer {
    let ring = read_ring(path)?;
    let root = marque_core::token::PublicKey::from_jwk(&ring.root)
        .map_err(|error| Unusable::new(format!("the ring's root {error}")))?;
    let claims = ring.verified(&root).map_err(|error| Unusable::new(error.to_string()))?;
    let now = Clock::system().now();
    if json {
        output::json(
            &json!({"seq": claims.seq, "issuer": claims.iss, "root": ring.root, "keys": claims.keys.to_jwks()["keys"]}),
        );
        return Ok(Outcome::Good);
    }
    let mut table = output::table(["key", "signs", "from", "until", "now", "secret"]);
    for key in claims.keys.keys() {
        let signs: Vec<_> = key.typs().iter().map(|typ| typ.as_str()).collect();
        let until = key.sign_until().map_or_else(|| "no end".to_owned(), |until| until.to_string());
        let secret = ring.secrets.iter().find(|secret| secret.kid == key.key_id().to_string());
        let secret = secret.map_or("none", |secret| if secret.kms.is_some() { "KMS" } else { "in the ring" });
        table.add_row([
            key.key_id().to_string(),
            signs.join(", "),
            key.sign_from().to_string(),
            until,
            standing(key, now).to_owned(),
            secret.to_owned(),
        ]);
    }
    anstream::println!("{table}");
    output::say(format!("key set {} of {}, signed by root {}", claims.seq, output::plain(&claims.iss), root.key_id()));
    Ok(Outcome::Good)
}

fn standing(key: &ListedKey, now: Timestamp) -> &'static str {
    match (key.sign_from() <= now, key.sign_until()) {
        (false, _) => "listed, signs later",
        (true, Some(until)) if until <= now => "verifies only",
        (true, Some(_)) => "signs, ends soon",
        (true, None) => "signs",
    }
}

fn rotate(
    ring: &Path,
    root: &Path,
    duty: Duty,
    issuer: Option<&str>,
    longest_lease: Duration,
    now: Timestamp,
) -> Answer {
    let root_document: RootDocument = serde_json::from_slice(&input::bytes(root)?).map_err(|error| {
        Unusable::new(format!("{} is no root of `marque keys root` (line {})", root.display(), error.line()))
    })?;
    let root = root_document.key();
    let next = if ring.exists() {
        read_ring(ring)?.rotate(&root, duty, &NewKey::Seed(chance::draw()), longest_lease, now)
    } else {
        if let Some(issuer) = issuer.filter(|issuer| !is_issuer(issuer)) {
            let shown = output::plain(issuer);
            return Err(Unusable::new(format!(
                "{shown} is no issuer: it must be an https URL without a trailing slash"
            )));
        }
        let issuer = issuer.ok_or_else(|| {
            Unusable::new(format!("{} is not there: for a first ring give `--issuer URL`", ring.display()))
        })?;
        RingDocument::first(&root, issuer, &NewKey::Seed(chance::draw()), &NewKey::Seed(chance::draw()), now, now)
    };
    let next = next.map_err(|error| Unusable::new(error.to_string()))?;
    serve::write_secret(ring, &next)?;
    let claims = next.verified(root.public()).map_err(|error| Unusable::new(error.to_string()))?;
    let newest =
        claims.keys.keys().iter().filter(|key| key.typs().contains(&duty.typs()[0])).max_by_key(|key| key.sign_from());
    if let Some(key) = newest {
        output::say(format!(
            "key set {}: {} signs {} from {}",
            claims.seq,
            key.key_id(),
            Typ::as_str(duty.typs()[0]),
            key.sign_from()
        ));
    }
    output::say(format!(
        "{} is written: it holds secrets. Store it where MARQUE_KEY_RING points; services read it within the hour.",
        ring.display()
    ));
    Ok(Outcome::Good)
}

fn read_ring(path: &Path) -> Result<RingDocument, Unusable> {
    serde_json::from_slice(&input::bytes(path)?).map_err(|error| {
        Unusable::new(format!("{} is no key ring (line {}, column {})", path.display(), error.line(), error.column()))
    })
}
