//! `marque keys`: the root, the ring, rotation.

use std::path::Path;

use base64ct::{Base64, Encoding};
use marque_core::Timestamp;
use marque_core::token::{ListedKey, PublicKey, RootKey, Typ};
use marque_service::config::is_issuer;
use marque_service::keyring::{Duty, NewKey, RingDocument, RootDocument};
use marque_service::{Clock, chance};
use serde::Deserialize;
use serde_json::json;

use crate::cli::{DutyName, Keys, KeysCommand, Rotate};
use crate::output::{self, Answer, Outcome, Unusable};
use crate::{input, serve};

pub(crate) fn run(options: Keys) -> Answer {
    match options.command {
        KeysCommand::Root { out, json } => root(&out, json),
        KeysCommand::List { ring, json } => list(&ring, json),
        KeysCommand::Rotate(options) => rotate(&options),
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
    let root = PublicKey::from_jwk(&ring.root).map_err(|error| Unusable::new(format!("the ring's root {error}")))?;
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

fn rotate(options: &Rotate) -> Answer {
    let Rotate { ring: path, root, issuer, longest_lease, .. } = options;
    let now = options.at.unwrap_or_else(|| Clock::system().now());
    let duty = match options.duty {
        DutyName::Lease => Duty::Lease,
        DutyName::File => Duty::File,
        DutyName::List => Duty::List,
    };
    let root: RootDocument = serde_json::from_slice(&input::bytes(root)?).map_err(|error| {
        Unusable::new(format!("{} is no root of `marque keys root` (line {})", root.display(), error.line()))
    })?;
    let root = root.key();
    let kms = options.kms.as_deref().map(kms_key).transpose()?;
    let next = if path.exists() {
        let ring = read_ring(path)?;
        let key = next_key(&ring, &root, duty, kms, now)?;
        ring.rotate(&root, duty, &key, *longest_lease, now)
    } else {
        let issuer = first_issuer(path, issuer.as_deref())?;
        let file = kms.unwrap_or_else(|| NewKey::Seed(chance::draw()));
        RingDocument::first(&root, issuer, &NewKey::Seed(chance::draw()), &file, now, now)
    };
    let next = next.map_err(|error| Unusable::new(error.to_string()))?;
    serve::write_secret(path, &next)?;
    let claims = next.verified(root.public()).map_err(|error| Unusable::new(error.to_string()))?;
    let newest = claims.keys.keys().iter().filter(|key| duty.is_of(key)).max_by_key(|key| key.sign_from());
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
        path.display()
    ));
    Ok(Outcome::Good)
}

/// What follows the key of a duty: a key in KMS is followed by one in KMS, or its secret would leave KMS unasked.
fn next_key(
    ring: &RingDocument,
    root: &RootKey,
    duty: Duty,
    kms: Option<NewKey>,
    now: Timestamp,
) -> Result<NewKey, Unusable> {
    if duty != Duty::File && kms.is_some() {
        return Err(Unusable::new("only a file key can be in KMS: give `--duty file`"));
    }
    let claims = ring.verified(root.public()).map_err(|error| Unusable::new(error.to_string()))?;
    let signing = claims.keys.signing_key_for(duty.typs()[0], now).map(|key| key.key_id().to_string());
    let in_kms = ring.secrets.iter().any(|secret| secret.kms.is_some() && Some(&secret.kid) == signing.as_ref());
    match kms {
        Some(key) => Ok(key),
        None if in_kms => Err(Unusable::new(
            "this key is in KMS: make the next one there and give what `aws kms get-public-key` answers with `--kms`",
        )),
        None => Ok(NewKey::Seed(chance::draw())),
    }
}

fn first_issuer<'a>(ring: &Path, issuer: Option<&'a str>) -> Result<&'a str, Unusable> {
    let issuer = issuer.ok_or_else(|| {
        Unusable::new(format!("{} is not there: for a first ring give `--issuer URL`", ring.display()))
    })?;
    if is_issuer(issuer) {
        return Ok(issuer);
    }
    let shown = output::plain(issuer);
    Err(Unusable::new(format!("{shown} is no issuer: it must be an https URL without a trailing slash")))
}

/// What KMS answers to `GetPublicKey`, as the AWS CLI prints it; further members are left alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KmsPublicKey {
    key_id: String,
    public_key: String,
}

fn kms_key(path: &Path) -> Result<NewKey, Unusable> {
    let unusable = |fault: String| {
        Unusable::new(format!(
            "{} is no answer of `aws kms get-public-key` for an ECC_NIST_EDWARDS25519 key: {fault}",
            path.display()
        ))
    };
    let answer: KmsPublicKey =
        serde_json::from_slice(&input::bytes(path)?).map_err(|error| unusable(error.to_string()))?;
    let der = Base64::decode_vec(&answer.public_key).map_err(|_| unusable("its PublicKey is no base64".to_owned()))?;
    let public = PublicKey::from_spki(&der).map_err(|error| unusable(error.to_string()))?;
    Ok(NewKey::Kms { id: answer.key_id, public: Box::new(public) })
}

fn read_ring(path: &Path) -> Result<RingDocument, Unusable> {
    serde_json::from_slice(&input::bytes(path)?).map_err(|error| {
        Unusable::new(format!("{} is no key ring (line {}, column {})", path.display(), error.line(), error.column()))
    })
}
