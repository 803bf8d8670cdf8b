//! Where commands read from: files, standard input, addresses.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use marque_core::token::{LicFile, PublicKey, UnverifiedToken};
use serde_json::Value;

use crate::output::Unusable;

/// Nothing that commands read comes near this size.
const MAX_INPUT: u64 = 8 * 1024 * 1024;

/// A file, or standard input for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Unusable> {
    let mut content = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut content)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut content))
    };
    match read {
        Ok(size) if size as u64 > MAX_INPUT => {
            Err(Unusable::new(format!("{} is too large to be a token or a key set", path.display())))
        }
        Ok(_) => Ok(content),
        Err(error) => Err(Unusable::new(format!("{} cannot be read: {error}", path.display()))),
    }
}

/// The same as text.
pub(crate) fn text(path: &Path) -> Result<String, Unusable> {
    String::from_utf8(bytes(path)?).map_err(|_| Unusable::new(format!("{} is not text in UTF-8", path.display())))
}

/// A document in JSON.
pub(crate) fn json(path: &Path) -> Result<Value, Unusable> {
    serde_json::from_slice(&bytes(path)?)
        .map_err(|error| Unusable::new(format!("{} is not JSON: {error}", path.display())))
}

/// A token by itself, in a `.lic` file, or in an answer of the service. The inner result is the verdict on what was
/// read; the outer one is whether anything could be.
pub(crate) fn token(path: &Path) -> Result<Result<UnverifiedToken, String>, Unusable> {
    let text = text(path)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Unusable::new(format!("{} is empty", path.display())));
    }
    if text.contains("-----BEGIN") {
        return Ok(LicFile::parse(text).map_err(|error| error.to_string()));
    }
    let wrapped = serde_json::from_str::<Value>(text).ok().and_then(|answer| {
        let member = |name| answer.get(name)?.as_str().map(str::to_owned);
        ["lease", "denial", "crl"].into_iter().find_map(member)
    });
    Ok(UnverifiedToken::parse(wrapped.as_deref().unwrap_or(text)).map_err(|error| error.to_string()))
}

/// A public key as a JWK.
pub(crate) fn public_key(path: &Path) -> Result<PublicKey, Unusable> {
    let unusable = |error: &dyn std::fmt::Display| {
        Unusable::new(format!("{} holds no public JWK of Ed25519: {error}", path.display()))
    };
    let jwk: Value = serde_json::from_slice(&bytes(path)?).map_err(|error| unusable(&error))?;
    PublicKey::from_jwk(&jwk).map_err(|error| unusable(&error))
}

/// A file, or what is at an address.
pub(crate) fn file_or_url(place: &str) -> Result<Vec<u8>, Unusable> {
    if place.starts_with("https://") || place.starts_with("http://") { fetch(place) } else { bytes(Path::new(place)) }
}

fn fetch(url: &str) -> Result<Vec<u8>, Unusable> {
    get(url).map(|answer| answer.body)
}

/// What a service answered.
pub(crate) struct Fetched {
    pub(crate) body: Vec<u8>,
    /// The `Date` header; empty when there is none.
    pub(crate) date: String,
}

/// Gets an address.
pub(crate) fn get(url: &str) -> Result<Fetched, Unusable> {
    let tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(std::time::Duration::from_secs(20)))
        .build()
        .new_agent();
    let unusable = |error: ureq::Error| Unusable::new(format!("{url} cannot be fetched: {error}"));
    let mut answer = agent.get(url).call().map_err(unusable)?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).unwrap_or_default().to_owned();
    let body = answer.body_mut().with_config().limit(MAX_INPUT).read_to_vec().map_err(unusable)?;
    Ok(Fetched { body, date })
}
