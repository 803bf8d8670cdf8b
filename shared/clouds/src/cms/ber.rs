//! BER (X.690, section 8) rewritten as DER, within bounds.
//!
//! AWS writes its documents with indefinite lengths and the content in chunks. One pass makes of that what a strict
//! parser reads, so nothing behind this file has to know of BER. Order within sets is left as it came.

/// How deep values may lie inside of each other; real documents have 8 levels.
const MAX_DEPTH: usize = 16;
const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const HIGH_TAG: u8 = 0x1f;
const INDEFINITE: u8 = 0x80;

/// The bytes are not one value of BER, or nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotBer;

/// One BER value, and nothing behind it, as DER.
pub(crate) fn to_der(input: &[u8]) -> Result<Vec<u8>, NotBer> {
    let mut rest = input;
    let mut der = Vec::with_capacity(input.len());
    value(&mut rest, &mut der, 0)?;
    if rest.is_empty() { Ok(der) } else { Err(NotBer) }
}

/// Reads one value off `rest` and appends it.
fn value(rest: &mut &[u8], der: &mut Vec<u8>, depth: usize) -> Result<(), NotBer> {
    let tag = take(rest)?;
    if depth >= MAX_DEPTH || tag & HIGH_TAG == HIGH_TAG || tag == 0 {
        return Err(NotBer);
    }
    let length = length(rest)?;
    if tag & CONSTRUCTED == 0 {
        let content = take_slice(rest, length.ok_or(NotBer)?)?;
        return append(tag, content, der);
    }
    let mut content = Vec::new();
    let octets = tag == OCTET_STRING | CONSTRUCTED;
    let mut one = |rest: &mut &[u8]| match octets {
        true => chunk(rest, &mut content, depth + 1),
        false => value(rest, &mut content, depth + 1),
    };
    match length {
        Some(length) => {
            let mut inside = take_slice(rest, length)?;
            while !inside.is_empty() {
                one(&mut inside)?;
            }
        }
        None => {
            while !rest.starts_with(&[0, 0]) {
                one(rest)?;
            }
            *rest = &rest[2..];
        }
    }
    append(if octets { OCTET_STRING } else { tag }, &content, der)
}

/// A piece of an octet string in pieces: its bytes are joined.
fn chunk(rest: &mut &[u8], joined: &mut Vec<u8>, depth: usize) -> Result<(), NotBer> {
    let mut piece = Vec::new();
    if rest.first().is_none_or(|tag| tag & !CONSTRUCTED != OCTET_STRING) {
        return Err(NotBer);
    }
    value(rest, &mut piece, depth)?;
    let mut inside = piece.get(1..).ok_or(NotBer)?;
    length(&mut inside)?;
    joined.extend_from_slice(inside);
    Ok(())
}

/// None: indefinite.
fn length(rest: &mut &[u8]) -> Result<Option<usize>, NotBer> {
    match take(rest)? {
        INDEFINITE => Ok(None),
        short if short < INDEFINITE => Ok(Some(short.into())),
        long => {
            let digits = take_slice(rest, usize::from(long & !INDEFINITE))?;
            if digits.len() > 4 {
                return Err(NotBer);
            }
            Ok(Some(digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))))
        }
    }
}

fn append(tag: u8, content: &[u8], der: &mut Vec<u8>) -> Result<(), NotBer> {
    der.push(tag);
    match u8::try_from(content.len()) {
        Ok(short) if short < INDEFINITE => der.push(short),
        _ => {
            let digits = u32::try_from(content.len()).map_err(|_| NotBer)?.to_be_bytes();
            let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
            der.push(INDEFINITE | digits.len() as u8);
            der.extend_from_slice(digits);
        }
    }
    der.extend_from_slice(content);
    Ok(())
}

fn take(rest: &mut &[u8]) -> Result<u8, NotBer> {
    let (first, behind) = rest.split_first().ok_or(NotBer)?;
    *rest = behind;
    Ok(*first)
}

fn take_slice<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], NotBer> {
    let (slice, behind) = rest.split_at_checked(length).ok_or(NotBer)?;
    *rest = behind;
    Ok(slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn indefinite_lengths_and_chunks_become_definite_ones() {
        for (ber, der) in [
            (&[0x30, 0x80, 0x02, 1, 5, 0, 0][..], &[0x30, 3, 0x02, 1, 5][..]),
            (&[0x24, 0x80, 0x04, 1, b'a', 0x04, 2, b'b', b'c', 0, 0], &[0x04, 3, b'a', b'b', b'c']),
            (&[0x24, 7, 0x24, 5, 0x04, 1, b'a', 0x04, 0], &[0x04, 1, b'a']),
            (&[0x30, 0x82, 0, 3, 0x02, 0x81, 0], &[0x30, 2, 0x02, 0]),
        ] {
            assert_eq!(to_der(ber).as_deref(), Ok(der), "{ber:02x?}");
        }
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for ber in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x80, 0],
            &[0, 0],
            &[0x30, 2, 0, 0],
            &[0x04, 0x80, 0, 0],
            &[0x30, 0, 0],
            &[0x1f, 1, 0],
            &[0x24, 3, 0x02, 1, 1],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(to_der(ber), Err(NotBer), "{ber:02x?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [[0x30, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        assert!(to_der(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(to_der(&nested(MAX_DEPTH + 1)), Err(NotBer));
        assert_eq!(to_der(&nested(8_000)), Err(NotBer));
        assert_eq!(to_der(&[0x24, 0x80].repeat(8_000)), Err(NotBer));
    }

    proptest! {
        #[test]
        fn der_is_left_as_it_is(bytes in prop::collection::vec(prop::sample::select(
            vec![0x30, 0x31, 0xa0, 0x24, 0x04, 0x02, 0x80, 0x81, 0, 1, 2, 3, 4, 7]), 0..40)) {
            if let Ok(der) = to_der(&bytes) {
                prop_assert_eq!(to_der(&der), Ok(der.clone()));
            }
        }
    }
}
