//! `.lic` files: a `license+jwt` as text that survives mail, editors and USB sticks.
//!
//! Lines for people come first. They are not trusted and never read: what counts is the token between the markers.

use super::claims::LicenseFile;
use super::error::TokenError;
use super::jws::{MAX_TOKEN, UnverifiedToken};
use super::text::is_unsafe;
use super::typ::Typ;

const BEGIN: &str = "-----BEGIN MARQUE LICENSE-----";
const END: &str = "-----END MARQUE LICENSE-----";
/// Where the token is folded.
const FOLD: usize = 64;
/// How many columns a line for people may have.
const COLUMNS: usize = 100;
/// The most bytes that a file may have: the largest token, and as much again for line ends and a covering letter.
const MAX_FILE: usize = 2 * MAX_TOKEN;
/// How text begins that an editor has saved as UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The format of `.lic` files. There is no value of it: a file is text on one side, a token on the other.
#[derive(Debug, Clone, Copy)]
pub enum LicFile {}

impl LicFile {
    /// The file of a signed token, with what it claims in lines for people above it.
    #[must_use]
    pub fn render(claims: &LicenseFile, token: &str) -> String {
        let licensee = format!("{}, {}", claims.licensee.name, claims.licensee.company);
        let until = claims.expires.map_or_else(|| "for ever".to_owned(), |end| end.to_string());
        let mut file = [
            line("Product", claims.aud.as_str()),
            line("Licensed to", &licensee),
            line("Plan", claims.plan.as_str()),
            line("Domain fingerprint", &claims.fingerprint.value.to_string()),
            line("Valid until", &until),
        ]
        .concat();
        file.extend(["\n", BEGIN]);
        for (at, letter) in token.chars().enumerate() {
            if at % FOLD == 0 {
                file.push('\n');
            }
            file.push(letter);
        }
        file.extend(["\n", END, "\n"]);
        file
    }

    /// The token of a file. Line ends of either kind, blanks around lines, empty lines, a byte order mark and text around
    /// the block do no harm; the text may be in any encoding that has ASCII in it.
    ///
    /// # Errors
    ///
    /// When there is not exactly one whole block, or when what is in it is no `license+jwt`.
    pub fn parse(file: impl AsRef<[u8]>) -> Result<UnverifiedToken, LicError> {
        let file = file.as_ref();
        if file.len() > MAX_FILE {
            return Err(LicError::TooLarge);
        }
        if UTF_16.iter().any(|mark| file.starts_with(mark)) {
            return Err(LicError::Utf16);
        }
        let token = UnverifiedToken::parse(&unfold(file)?)?;
        token.must_be(Typ::License)?;
        Ok(token)
    }
}

impl UnverifiedToken {
    /// Reads what somebody holds and cannot tell apart: a `.lic` file, or a bare token of any kind with blanks around it.
    ///
    /// # Errors
    ///
    /// See [`LicFile::parse`] and [`UnverifiedToken::parse`].
    pub fn read(file: impl AsRef<[u8]>) -> Result<Self, LicError> {
        let file = file.as_ref();
        let bare = file.strip_prefix(UTF_8_MARK).unwrap_or(file).trim_ascii();
        match std::str::from_utf8(bare) {
            // A token has no blanks in it, a file has.
            Ok(text) if bare.iter().all(u8::is_ascii_graphic) => Ok(Self::parse(text)?),
            _ => LicFile::parse(file),
        }
    }
}

/// Why a text gives no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicError {
    /// Larger than any licence file.
    #[error("the file is too large to be a licence file")]
    TooLarge,
    /// Saved as UTF-16 by an editor.
    #[error("the file was saved as UTF-16: use the file as it was given out, or save it as UTF-8")]
    Utf16,
    /// No block at all.
    #[error("the file has no line {BEGIN}: it is no licence file, or was not copied whole")]
    NoBlock,
    /// A block without its end.
    #[error("the file has no line {END} after the licence: it was not copied whole")]
    NoEnd,
    /// More than one block.
    #[error("the file has more than one licence in it: keep one")]
    SeveralBlocks,
    /// What is in the block is no token, or not of a licence.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// What is in the one block, its lines joined.
fn unfold(file: &[u8]) -> Result<String, LicError> {
    let file = file.strip_prefix(UTF_8_MARK).unwrap_or(file);
    let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| *line == BEGIN.as_bytes()).ok_or(LicError::NoBlock)?;
    let mut token = Vec::new();
    loop {
        match lines.next() {
            None => return Err(LicError::NoEnd),
            Some(line) if line == END.as_bytes() => break,
            Some(line) if line == BEGIN.as_bytes() => return Err(LicError::SeveralBlocks),
            Some(line) => token.extend_from_slice(line),
        }
    }
    if lines.any(|line| line == BEGIN.as_bytes() || line == END.as_bytes()) {
        return Err(LicError::SeveralBlocks);
    }
    // What is no ASCII is no token either; the token's own parser says so.
    Ok(String::from_utf8_lossy(&token).into_owned())
}

/// One line for people. Nothing in a name can end it, hide in it, or look like a marker.
fn line(label: &str, value: &str) -> String {
    let plain: String = value.chars().map(|letter| if is_unsafe(letter) { ' ' } else { letter }).collect();
    let room = COLUMNS - label.len() - ": ".len();
    format!("{label}: {}\n", fit(&plain.replace("-----", "—"), room))
}

/// The text, cut to a number of columns.
fn fit(text: &str, columns: usize) -> String {
    // Letters from Hangul Jamo on may be two columns wide; a line that is too short does no harm.
    let width = |letter| if letter < '\u{1100}' { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut used = width('…');
    let kept = text.chars().take_while(|letter| {
        used += width(*letter);
        used <= columns
    });
    kept.chain(['…']).collect()
}
