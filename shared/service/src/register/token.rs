//! The token in a link: whoever has it reads the mail of the address that asked.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_store::TokenDigest;
use sha2::{Digest, Sha256};

use crate::chance;

/// 256 random bits. It is a credential: it does not print, and the table knows its digest alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// A new one.
    pub(crate) fn draw() -> Self {
        Self(chance::draw())
    }

    /// The text of it, for the link alone.
    pub(crate) fn reveal(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }

    /// What the table finds it by. The token is random through and through, so that its bare digest cannot be guessed back.
    pub(crate) fn digest(&self) -> TokenDigest {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut bytes = [0; 32];
        match Base64UrlUnpadded::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes)),
            _ => Err("must be the token of a link, whole"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_does_not_print() {
        let token = Token::draw();
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        assert_eq!(token.reveal().len(), 43);
        assert!(!format!("{token:?}").contains(&token.reveal()));
        for text in ["", "zzz", &"a".repeat(42), &"a".repeat(44), &"!".repeat(43)] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }
}
