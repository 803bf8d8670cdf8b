//! Google's key set: kept as long as its `Cache-Control` says.

use std::collections::HashMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::{Duration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::fetch::{FetchFault, Fetched, Fetcher, Place};
use crate::proof::ProofError;
use crate::rsa::RsaKey;
use crate::text::object;

/// Keys of a set; Google lists two or three.
const MAX_KEYS: usize = 16;
/// Kept so long when the answer does not say.
const KEPT: Duration = Duration::from_seconds(300);
const KEPT_AT_MOST: Duration = Duration::hours(24);
/// Never asked for twice within.
const PAUSE: Duration = Duration::from_seconds(60);

/// The set that was fetched last.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    keys: HashMap<String, RsaKey>,
    fresh_until: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    fault: Option<String>,
}

impl KeySet {
    /// The key of this name. A set that is stale, or does not name it, is fetched anew, at most once a minute.
    pub(crate) async fn key(&self, id: &str, fetcher: &Fetcher, now: Timestamp) -> Result<RsaKey, ProofError> {
        const UNKNOWN: ProofError = ProofError::Untrusted("GCP: no key of this name");
        // Held while fetching: whoever else needs the set waits for this answer instead of asking as well.
        let mut kept = self.0.lock().await;
        if let Some(key) = kept.fresh(id, now) {
            return Ok(key);
        }
        if kept.asked_at.is_none_or(|at| now.since(at) >= PAUSE) {
            kept.asked_at = Some(now);
            match fetcher.get(&Place::google_keys(), &[]).await {
                Ok(fetched) => kept.replace(&fetched, now),
                Err(FetchFault::NoNetwork) => return Err(UNKNOWN),
                Err(FetchFault::Failed(why)) => kept.fault = Some(why),
            }
        }
        match (kept.fresh(id, now), &kept.fault) {
            (Some(key), _) => Ok(key),
            (None, Some(why)) => Err(ProofError::SourceUnavailable(format!("GCP: key set: {why}").into())),
            (None, None) => Err(UNKNOWN),
        }
    }
}

impl Kept {
    fn fresh(&self, id: &str, now: Timestamp) -> Option<RsaKey> {
        let fresh = self.fresh_until.is_some_and(|until| now < until);
        self.keys.get(id).filter(|_| fresh).cloned()
    }

    fn replace(&mut self, fetched: &Fetched, now: Timestamp) {
        match parse(&fetched.body) {
            Some(keys) => {
                let kept = fetched.cache_control.as_deref().and_then(max_age).unwrap_or(KEPT);
                *self = Self {
                    keys,
                    fresh_until: Some(now.after(kept.min(KEPT_AT_MOST))),
                    asked_at: self.asked_at,
                    fault: None,
                };
            }
            None => self.fault = Some("no key set".to_owned()),
        }
    }
}

/// A JWK set (RFC 7517): its RSA keys for signatures with RS256.
fn parse(body: &[u8]) -> Option<HashMap<String, RsaKey>> {
    let set = object(body).ok()?;
    let keys = set.get("keys")?.as_array()?;
    (keys.len() <= MAX_KEYS).then(|| keys.iter().filter_map(read_key).collect())
}

fn read_key(jwk: &Value) -> Option<(String, RsaKey)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let number = |name| Base64UrlUnpadded::decode_vec(text(name)?).ok();
    if text("kty") != Some("RSA") || text("alg").is_some_and(|alg| alg != "RS256") || text("use") != Some("sig") {
        return None;
    }
    Some((text("kid")?.to_owned(), RsaKey::from_components(&number("n")?, &number("e")?).ok()?))
}

/// `max-age` of `Cache-Control` (RFC 9111, section 5.2.2.1).
fn max_age(header: &str) -> Option<Duration> {
    let seconds = header.split(',').find_map(|directive| directive.trim().strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_seconds)
}
