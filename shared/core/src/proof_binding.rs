//! What joins a registration's challenge to the machine's key.

use std::fmt;

use sha2::{Digest, Sha256};

/// The first 32 hex digits of `SHA-256("marque/binding/v1\n" + challenge + "\n" + public_key)`. A cloud that has a place
/// for it signs it into the proof, which is then good for this challenge and this key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofBinding(String);

impl ProofBinding {
    /// Digits of a binding.
    pub const LEN: usize = 32;

    /// The binding of a challenge and a key, both as the wire writes them: the key in base64url.
    #[must_use]
    pub fn of(challenge: &str, public_key: &str) -> Self {
        let digest = Sha256::digest(format!("marque/binding/v1\n{challenge}\n{public_key}"));
        Self(digest.iter().take(Self::LEN / 2).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProofBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is no binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a binding: 32 hex digits in lower case")]
pub struct ProofBindingError;

impl std::str::FromStr for ProofBinding {
    type Err = ProofBindingError;

    fn from_str(text: &str) -> Result<Self, ProofBindingError> {
        let good = text.len() == Self::LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(ProofBindingError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reckoned with `printf 'marque/binding/v1\n%s\n%s' … | sha256sum`.
    #[test]
    fn the_binding_is_the_wire_contracts() {
        let binding =
            ProofBinding::of("abcdefghijklmnopqrstuvwxyz012345", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(binding.as_str(), "f3ce354d6139ebfd8014abd94490d1c7");
        assert_eq!(binding.as_str().parse(), Ok(binding));
    }
}
