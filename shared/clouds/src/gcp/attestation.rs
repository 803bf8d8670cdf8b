//! Who a Compute Engine instance is: its identity token, `format=full&licenses=TRUE`.
//!
//! - RS256 alone, by the keys that <https://www.googleapis.com/oauth2/v3/certs> lists. They rotate within days: the set is
//!   kept as long as its `Cache-Control` says, and fetched again once for an unknown `kid`, never twice a minute.
//! - The same keys sign tokens of bare service accounts, with any audience that their holder asks for: only a token with
//!   `google.compute_engine` is an instance's.
//! - `license_id` is there only when asked for, and may be absent all the same: then it is no product of ours. Ids are
//!   beyond 2^53, so they are texts and stay texts; `project_number` is a JSON number.
//! - The audience ends with the binding, so a token is good for one challenge and one key. An hour of life is more than
//!   a challenge has: `iat` must be within minutes.

use marque_core::{Cloud, Duration, Timestamp};
use serde_json::{Map, Value};

use crate::jwt::UnverifiedJwt;
use crate::proof::{Claimed, Expected, Freshness, Machine, ProofError};
use crate::rsa::RsaKey;
use crate::text::{checked_id, id, text};

const ISSUER: &str = "https://accounts.google.com";
/// A challenge lives five minutes; the rest is for slow networks.
const MAX_AGE: Duration = Duration::from_seconds(600);
/// Google's clock may be ahead of ours.
const SKEW: Duration = Duration::from_seconds(60);
/// Licences that a token may name.
const MAX_LICENSES: usize = 16;

/// Verifies a token with the key that its header named.
pub(crate) fn verify(
    token: &UnverifiedJwt<'_>,
    key: &RsaKey,
    expected: Expected<'_>,
    now: Timestamp,
) -> Result<Machine, ProofError> {
    let claims = token.verify(key)?;
    let machine = machine(&claims)?;
    let (issued, expires) = (time(&claims, "iat")?, time(&claims, "exp")?);
    if text(&claims, "iss")? != ISSUER {
        return Err(ProofError::Untrusted("GCP: another issuer"));
    }
    if now > expires || issued > now.after(SKEW) || issued.after(MAX_AGE) < now {
        return Err(ProofError::Stale("GCP: not issued within minutes"));
    }
    let audience = format!("{}{}", expected.audience_prefix, expected.binding);
    if text(&claims, "aud")? != audience {
        return Err(ProofError::ChallengeMismatch("GCP: another audience"));
    }
    Ok(machine)
}

/// Whose token it says it is.
pub(crate) fn claimed(token: &str) -> Result<Claimed, ProofError> {
    let claims = UnverifiedJwt::parse(token)?.unverified_claims()?;
    let instance = instance(&claims)?;
    Ok(Claimed { account: project(instance)?, instance: id(instance, "instance_id")? })
}

fn machine(claims: &Map<String, Value>) -> Result<Machine, ProofError> {
    let instance = instance(claims)?;
    let account = project(instance)?;
    // A zone is a region and a letter: europe-west4-a.
    let zone = id(instance, "zone")?;
    let (region, _) = zone.rsplit_once('-').ok_or(ProofError::Invalid("GCP: zone is no zone"))?;
    Ok(Machine {
        cloud: Cloud::Gcp,
        account,
        instance: id(instance, "instance_id")?,
        region: Some(region.to_owned()),
        product_claims: licenses(instance)?,
        freshness: Freshness::Bound,
    })
}

fn instance(claims: &Map<String, Value>) -> Result<&Map<String, Value>, ProofError> {
    let engine = claims.get("google").and_then(|google| google.get("compute_engine"));
    engine.and_then(Value::as_object).ok_or(ProofError::Invalid("GCP: not an instance's token"))
}

fn project(instance: &Map<String, Value>) -> Result<String, ProofError> {
    let number = instance.get("project_number").and_then(Value::as_u64);
    number.map(|number| number.to_string()).ok_or(ProofError::Invalid("GCP: project_number is no number"))
}

fn licenses(instance: &Map<String, Value>) -> Result<Vec<String>, ProofError> {
    const FAULT: ProofError = ProofError::Invalid("GCP: license_id is no short array of texts");
    match instance.get("license_id") {
        None => Ok(Vec::new()),
        Some(Value::Array(ids)) if ids.len() <= MAX_LICENSES => {
            ids.iter().map(|id| checked_id(id.as_str().ok_or(FAULT)?)).collect()
        }
        Some(_) => Err(FAULT),
    }
}

/// NumericDate; anything else than a whole number is refused rather than taken for absent.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Timestamp, ProofError> {
    let seconds = claims.get(name).and_then(Value::as_i64);
    seconds.and_then(Timestamp::from_unix).ok_or(ProofError::Invalid("GCP: iat or exp is no NumericDate"))
}
