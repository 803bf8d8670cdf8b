//! Licence codes: 25 symbols that people read out and type in.
//!
//! Native codes are Crockford base32: 23 random symbols (115 bits) and two check symbols of a Reed–Solomon code over
//! GF(32) with x⁵+x²+1 and α = 2, so that Σ cᵢαⁱ = 0 and Σ cᵢα²ⁱ = 0: any two wrong or swapped symbols are found.
//! Imported codes are 25 hexadecimal digits that an earlier system made; they carry no check.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 25;
const RANDOM: usize = 23;
/// The multiplicative group of GF(32) has 31 elements.
const ORDER: usize = 31;

/// A licence code. It is a credential: [`fmt::Debug`] shows its last group alone, [`LicenseCode::reveal`] all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct LicenseCode {
    symbols: [u8; LENGTH],
    origin: Origin,
}

/// Who made a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Marque: its check symbols agree.
    Native,
    /// An earlier system of the publisher: hexadecimal, without a check.
    Imported,
}

/// The SHA-256 of a code's 25 canonical symbols: what the database knows of it.
pub type CodeDigest = [u8; 32];

impl LicenseCode {
    /// A new code from 15 random bytes, of which 115 bits are used.
    #[must_use]
    pub fn generate(random: [u8; 15]) -> Self {
        let mut values = [0; LENGTH];
        for (at, value) in values.iter_mut().take(RANDOM).enumerate() {
            *value = five_bits(&random, at * 5);
        }
        let (s1, s2) = syndromes(&values);
        // Two equations with two unknowns: c₂₃α²³ + c₂₄α²⁴ = s1 and c₂₃α⁴⁶ + c₂₄α⁴⁸ = s2.
        let determinant = power(23 + 48) ^ power(24 + 46);
        values[RANDOM] = divide(multiply(s1, power(48)) ^ multiply(s2, power(24)), determinant);
        values[RANDOM + 1] = divide(multiply(s2, power(23)) ^ multiply(s1, power(46)), determinant);
        Self { symbols: values.map(|value| ALPHABET[usize::from(value)]), origin: Origin::Native }
    }

    /// The whole code in five groups of five. It is a credential: for its owner alone, never for a log.
    #[must_use]
    pub fn reveal(&self) -> String {
        let groups: Vec<_> =
            self.symbols.chunks(5).map(|group| group.iter().copied().map(char::from).collect::<String>()).collect();
        groups.join("-")
    }

    /// The last group: enough for people to tell their codes apart, too little to use.
    #[must_use]
    pub fn last_group(&self) -> String {
        self.symbols[LENGTH - 5..].iter().copied().map(char::from).collect()
    }

    /// What the database finds the code by.
    #[must_use]
    pub fn digest(&self) -> CodeDigest {
        Sha256::digest(self.symbols).into()
    }

    /// Who made it, as far as its symbols tell.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

impl fmt::Debug for LicenseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…-{}", self.last_group())
    }
}

/// The text is no licence code: a symbol is wrong, swapped, missing or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the licence code is mistyped: compare it symbol by symbol with the one you were given")]
pub struct CodeMistyped;

impl FromStr for LicenseCode {
    type Err = CodeMistyped;

    /// Reads tolerantly: any case; spaces, tabs, hyphens and dashes ignored; `O` is `0`, `I` and `L` are `1`.
    fn from_str(text: &str) -> Result<Self, CodeMistyped> {
        let mut symbols = [0; LENGTH];
        let mut count = 0;
        for letter in text.chars().filter(|letter| !is_separator(*letter)) {
            *symbols.get_mut(count).ok_or(CodeMistyped)? = canonical(letter).ok_or(CodeMistyped)?;
            count += 1;
        }
        if count != LENGTH {
            return Err(CodeMistyped);
        }
        let origin = if syndromes(&symbols.map(value_of)) == (0, 0) {
            Origin::Native
        } else if symbols.iter().all(u8::is_ascii_hexdigit) {
            Origin::Imported
        } else {
            return Err(CodeMistyped);
        };
        Ok(Self { symbols, origin })
    }
}

/// Hyphens and dashes of every length that word processors put in their place.
fn is_separator(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '-' | '\u{ad}' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

fn canonical(letter: char) -> Option<u8> {
    match letter.to_ascii_uppercase() {
        'O' => Some(b'0'),
        'I' | 'L' => Some(b'1'),
        other => u8::try_from(other).ok().filter(|symbol| ALPHABET.contains(symbol)),
    }
}

fn value_of(symbol: u8) -> u8 {
    ALPHABET.iter().zip(0..).find_map(|(known, value)| (*known == symbol).then_some(value)).unwrap_or(0)
}

fn five_bits(bytes: &[u8; 15], at: usize) -> u8 {
    let pair = u16::from_be_bytes([bytes[at / 8], bytes.get(at / 8 + 1).copied().unwrap_or(0)]);
    (pair >> (11 - at % 8) & 31) as u8
}

fn syndromes(values: &[u8; LENGTH]) -> (u8, u8) {
    values
        .iter()
        .enumerate()
        .fold((0, 0), |(s1, s2), (at, value)| (s1 ^ multiply(*value, power(at)), s2 ^ multiply(*value, power(2 * at))))
}

fn power(exponent: usize) -> u8 {
    (0..exponent % ORDER).fold(1, |value, _| double(value))
}

fn double(value: u8) -> u8 {
    let wide = value << 1;
    if wide & 0b10_0000 == 0 { wide } else { wide ^ 0b10_0101 }
}

fn multiply(a: u8, b: u8) -> u8 {
    (0..5).fold((0, a), |(sum, shifted), bit| (if b >> bit & 1 == 1 { sum ^ shifted } else { sum }, double(shifted))).0
}

fn divide(a: u8, b: u8) -> u8 {
    // b⁻¹ = b³⁰ in a group of 31.
    multiply(a, (0..ORDER - 1).fold(1, |product, _| multiply(product, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Origin, CodeMistyped> {
        text.parse::<LicenseCode>().map(|code| code.origin())
    }

    #[test]
    fn the_contracts_examples() {
        for text in ["MARQV-E0123-45678-9ABCD-EFGJY", "10000-00000-00000-00000-000WT", "00000-00000-00000-00000-001VP"]
        {
            assert_eq!(read(text), Ok(Origin::Native), "{text}");
            assert_eq!(text.parse::<LicenseCode>().unwrap().reveal(), text);
        }
        assert_eq!(read("MARQV-E0123-45678-9ABCD-EFGJX"), Err(CodeMistyped));
    }

    #[test]
    fn reading_is_tolerant() {
        let code: LicenseCode = "MARQV-E0123-45678-9ABCD-EFGJY".parse().unwrap();
        for text in [
            "marqv e0123 45678 9abcd efgjy",
            "MARQVEO123456789ABCDEFGJY",
            " MARQV–E0I23—45678‑9ABCD\tEFGJY\n",
            "marqv-eol23-45678-9abcd-efgjy",
        ] {
            assert_eq!(text.parse::<LicenseCode>().as_ref(), Ok(&code), "{text}");
        }
        for text in [
            "",
            "MARQV",
            "MARQV-E0123-45678-9ABCD-EFGJY0",
            "MARQV-E0123-45678-9ABCD-EFGJ\0",
            "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU",
            "ΜARQV-E0123-45678-9ABCD-EFGJY",
        ] {
            assert_eq!(read(text), Err(CodeMistyped), "{text}");
        }
    }

    #[test]
    fn hexadecimal_without_the_check_is_imported() {
        assert_eq!(read("A0000-F5416-5B71B-AC380-95077"), Ok(Origin::Imported));
    }

    #[test]
    fn a_code_does_not_print() {
        let code: LicenseCode = "MARQV-E0123-45678-9ABCD-EFGJY".parse().unwrap();
        assert_eq!(format!("{code:?}"), "…-EFGJY");
    }

    proptest! {
        #[test]
        fn what_is_generated_is_read(random: [u8; 15]) {
            let code = LicenseCode::generate(random);
            prop_assert_eq!(code.reveal().parse::<LicenseCode>(), Ok(code));
        }

        #[test]
        fn any_two_wrong_symbols_are_found(random: [u8; 15], at in (0usize..25, 0usize..25), by in (1u8..32, 0u8..32)) {
            let mut values = LicenseCode::generate(random).symbols.map(value_of);
            values[at.0] ^= by.0;
            if at.1 != at.0 { values[at.1] ^= by.1; }
            prop_assert_ne!(syndromes(&values), (0, 0));
        }

        #[test]
        fn any_two_swapped_symbols_are_found(random: [u8; 15], a in 0usize..25, b in 0usize..25) {
            let mut values = LicenseCode::generate(random).symbols.map(value_of);
            prop_assume!(values[a] != values[b]);
            values.swap(a, b);
            prop_assert_ne!(syndromes(&values), (0, 0));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,60}") {
            if let Ok(code) = text.parse::<LicenseCode>() {
                prop_assert_eq!(code.reveal().len(), 29);
            }
        }
    }
}
