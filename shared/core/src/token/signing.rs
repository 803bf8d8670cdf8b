//! Making tokens: compact JWS (RFC 7515 section 7.1) with Ed25519 (RFC 8037 section 3.1).

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::Signer;
use serde::Serialize;
use zeroize::Zeroizing;

use super::claims::{Claims, KeySetClaims};
use super::key::{BadSignature, KeyId, PublicKey};
use super::typ::Typ;

/// A private key of the service. It is wiped from memory when it is dropped, and [`fmt::Debug`] shows its name alone.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a seed: the 32 bytes that RFC 8032 calls the private key, and that a JWK has as `d`.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = PublicKey::of(secret.verifying_key());
        Self { secret, public }
    }

    /// What verifies its signatures.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key's name, the `kid` of its tokens.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.public.key_id()
    }

    /// The claims as a signed token. A key set is signed by a [`RootKey`] alone.
    #[must_use]
    pub fn sign<C: Claims>(&self, claims: &C) -> String {
        self.attach(encode(self.key_id(), C::TYP, claims))
    }

    fn attach(&self, input: String) -> String {
        let signature = self.sign_bytes(input.as_bytes());
        attach(input, &signature)
    }

    fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.key_id())
    }
}

/// The private key that stays off line. It signs key sets and nothing else.
#[derive(Debug)]
pub struct RootKey(SigningKey);

impl RootKey {
    /// The key of a seed, see [`SigningKey::from_seed`].
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_seed(seed))
    }

    /// What products embed.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// The key set as a `keys+jwt`.
    #[must_use]
    pub fn sign(&self, claims: &KeySetClaims) -> String {
        self.0.attach(encode(self.0.key_id(), Typ::Keys, claims))
    }
}

/// A token that waits for a signature made elsewhere, by KMS for one.
#[derive(Debug, Clone)]
pub struct SigningInput {
    input: String,
    key: PublicKey,
}

impl SigningInput {
    /// The claims, ready to be signed by the private part of `key`.
    #[must_use]
    pub fn new<C: Claims>(key: &PublicKey, claims: &C) -> Self {
        Self { input: encode(key.key_id(), C::TYP, claims), key: key.clone() }
    }

    /// The bytes to sign, with plain Ed25519: neither prehashed nor with a context.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The finished token.
    ///
    /// # Errors
    ///
    /// When the signature is not that key's over these bytes: a token that nobody can verify never leaves.
    pub fn attach(self, signature: &[u8; 64]) -> Result<String, BadSignature> {
        self.key.verify(self.as_bytes(), signature)?;
        Ok(attach(self.input, signature))
    }
}

/// Header and payload as the signature is over them (RFC 7515 section 5.1).
fn encode(kid: KeyId, typ: Typ, claims: &impl Serialize) -> String {
    // Claims are text, numbers and maps with text as keys, which serde_json always writes; and an empty payload, should
    // it ever come to that, is refused by every verifier.
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{typ}"}}"#);
    let mut input = Base64UrlUnpadded::encode_string(header.as_bytes());
    input.push('.');
    input.push_str(&Base64UrlUnpadded::encode_string(&payload));
    input
}

fn attach(mut input: String, signature: &[u8; 64]) -> String {
    input.push('.');
    input.push_str(&Base64UrlUnpadded::encode_string(signature));
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_8037() -> SigningKey {
        let mut seed = [0; 32];
        Base64UrlUnpadded::decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", &mut seed).unwrap();
        SigningKey::from_seed(seed)
    }

    #[test]
    fn the_key_of_rfc_8037_a_1_to_a_3() {
        let key = rfc_8037();
        assert_eq!(key.public().to_jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.key_id().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_signature_of_rfc_8037_a_4_and_a_5() {
        let key = rfc_8037();
        let header = Base64UrlUnpadded::encode_string(br#"{"alg":"EdDSA"}"#);
        let payload = Base64UrlUnpadded::encode_string(b"Example of Ed25519 signing");
        let token = key.attach(format!("{header}.{payload}"));
        assert_eq!(
            token,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhi\
             jcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        let (input, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = [0; 64];
        Base64UrlUnpadded::decode(signature, &mut bytes).unwrap();
        assert_eq!(key.public().verify(input.as_bytes(), &bytes), Ok(()));
        assert_eq!(key.public().verify(b"another", &bytes), Err(BadSignature));
    }

    #[test]
    fn a_private_key_shows_its_name_alone() {
        assert_eq!(format!("{:?}", rfc_8037()), "SigningKey(kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k)");
    }
}
