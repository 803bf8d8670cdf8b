//! `.lic` files: lines for people, which nothing trusts, then the token folded between two markers.

use super::claims::LicenseFile;

const BEGIN: &str = "-----BEGIN MARQUE LICENSE-----";
const END: &str = "-----END MARQUE LICENSE-----";
const COLUMNS: usize = 64;
/// A line for people is cut here: long names must not hide the markers.
const LINE: usize = 100;
const MAX_LENGTH: usize = 96 * 1024;

/// A file's text: what `claims` say, for people, then `token`.
#[must_use]
pub fn render_lic(claims: &LicenseFile, token: &str) -> String {
    let until = claims.expires.map_or_else(|| "for ever".to_owned(), |expires| expires.to_string());
    let licensee = format!("{}, {}", claims.licensee.name, claims.licensee.company);
    let lines = [
        ("Product", claims.aud.as_str()),
        ("Licensed to", &licensee),
        ("Plan", claims.plan.as_str()),
        ("Domain fingerprint", &claims.fingerprint.value.to_string()),
        ("Valid until", &until),
    ];
    let mut text = String::new();
    for (label, value) in lines {
        // A control character or a marker in a name must not begin a line of its own.
        let plain = value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>().replace("-----", "- - -");
        text.extend(format!("{label}: {plain}").chars().take(LINE));
        text.push('\n');
    }
    text.push_str(&format!("\n{BEGIN}\n"));
    let mut rest = token;
    while let Some((line, tail)) = rest.split_at_checked(COLUMNS) {
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str(&format!("{END}\n"));
    text
}

/// Why a text holds no licence file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LicFileError {
    /// Larger than any file of ours.
    #[error("the file is too large to be a licence file")]
    TooLarge,
    /// The markers are missing or cut off.
    #[error("the file has no block between `{BEGIN}` and `{END}`: copy it whole")]
    NoBlock,
    /// More than one licence in one text.
    #[error("the file holds more than one licence: keep one")]
    SeveralBlocks,
}

/// The token of a `.lic` file. Line ends of either kind, blanks around lines, a byte order mark and text around the block
/// do no harm; what people read there is not looked at.
///
/// # Errors
/// [`LicFileError`].
pub fn parse_lic(text: &str) -> Result<String, LicFileError> {
    if text.len() > MAX_LENGTH {
        return Err(LicFileError::TooLarge);
    }
    let mut token: Option<String> = None;
    let mut inside = false;
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        match (inside, line) {
            (false, BEGIN) if token.is_some() => return Err(LicFileError::SeveralBlocks),
            (false, BEGIN) => (inside, token) = (true, Some(String::new())),
            (true, END) => inside = false,
            (true, BEGIN) => return Err(LicFileError::NoBlock),
            (true, line) => token.get_or_insert_default().push_str(line),
            (false, _) => {}
        }
    }
    token.filter(|token| !inside && !token.is_empty()).ok_or(LicFileError::NoBlock)
}
