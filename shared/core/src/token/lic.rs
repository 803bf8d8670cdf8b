//! `.lic` files (interim).
use super::claims::LicenseFile;
use super::error::TokenError;
use super::jws::UnverifiedToken;

/// A `.lic` file.
#[derive(Debug)]
pub struct LicFile;

impl LicFile {
    /// Renders a file.
    #[must_use]
    pub fn render(claims: &LicenseFile, token: &str) -> String {
        let mut text = format!("Product: {}\n\n-----BEGIN MARQUE LICENSE-----\n", claims.aud);
        for line in token.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END MARQUE LICENSE-----\n");
        text
    }

    /// Parses a file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<UnverifiedToken, TokenError> {
        let token: String = text.split("-----").nth(2).unwrap_or_default().split_whitespace().collect();
        UnverifiedToken::parse(&token)
    }
}
