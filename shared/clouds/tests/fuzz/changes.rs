//! Inputs: good ones with a few changes, trees of tags and lengths, and noise.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// No input is longer: the bounds of parsers are below it.
const MAX_INPUT: usize = 64 * 1024;

/// What stands for itself in one of the formats.
const WORDS: [&[u8]; 22] = [
    b"\x30\x80",
    b"\x24\x80",
    b"\x00\x00",
    b"\x30\x84\xff\xff\xff\xff",
    b"\xa0\x80",
    b"\x31\x00",
    b"\x02\x01\x00",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
    b"\x1f\x81",
    b"{",
    b"}",
    b"[",
    b"\"",
    b",",
    b":null",
    b":1e999",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b".",
    b"=",
    b"-----END CERTIFICATE-----",
];

/// One change.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// A piece again and again.
    Repeat(Index, usize, usize),
    /// A piece of a good input, over what is there.
    Splice(Index, Index, usize),
    /// Everything inside of so many values of this tag.
    Wrap(u8, usize),
}

impl Change {
    fn apply(&self, input: &mut Vec<u8>, other: &[u8]) {
        let place = |index: &Index, length: usize| index.index(length.max(1));
        match self {
            Self::Flip(at, bit) if !input.is_empty() => {
                let at = place(at, input.len());
                input[at] ^= 1 << (bit % 8);
            }
            Self::Set(at, byte) if !input.is_empty() => {
                let at = place(at, input.len());
                input[at] = *byte;
            }
            Self::Flip(..) | Self::Set(..) => {}
            Self::Insert(at, bytes) => {
                let at = place(at, input.len() + 1);
                input.splice(at..at, bytes.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = place(at, input.len()).min(input.len());
                input.drain(at..(at + length).min(input.len()));
            }
            Self::Repeat(at, length, times) => {
                let at = place(at, input.len()).min(input.len());
                let piece = input[at..(at + length).min(input.len())].repeat(*times);
                input.splice(at..at, piece);
            }
            Self::Splice(at, from, length) => {
                let (at, from) = (place(at, input.len()).min(input.len()), place(from, other.len()).min(other.len()));
                let piece = &other[from..(from + length).min(other.len())];
                let end = (at + piece.len()).min(input.len());
                input.splice(at..end, piece.iter().copied());
            }
            Self::Wrap(tag, times) => {
                for _ in 0..*times {
                    let length = u32::try_from(input.len()).unwrap_or(u32::MAX).to_be_bytes();
                    let head = [&[*tag, 0x84], length.as_slice()].concat();
                    input.splice(0..0, head);
                }
            }
        }
        input.truncate(MAX_INPUT);
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let length = prop_oneof![1_usize..8, 8_usize..400];
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), prop_oneof![any::<u8>(), select(vec![0_u8, 1, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff])])
            .prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        3 => (at(), select(WORDS.to_vec())).prop_map(|(at, word)| Change::Insert(at, word.to_vec())),
        3 => (at(), length.clone()).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), length.clone(), 1_usize..200).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        2 => (at(), at(), length).prop_map(|(at, from, length)| Change::Splice(at, from, length)),
        1 => (select(vec![0x30_u8, 0x31, 0x24, 0xa0, 0x04]), 1_usize..40).prop_map(|(tag, times)| Change::Wrap(tag, times)),
    ]
}

/// Values inside of each other, with lengths that are right, wrong or indefinite.
fn tree() -> impl Strategy<Value = Vec<u8>> {
    let leaf = (any::<u8>(), vec(any::<u8>(), 0..40)).prop_map(|(tag, content)| value(tag, &content, 0));
    leaf.prop_recursive(24, 200, 6, |inner| {
        let tag = select(vec![0x30_u8, 0x31, 0x24, 0xa0, 0xa1, 0x04]);
        (tag, vec(inner, 0..6), 0_u8..6).prop_map(|(tag, parts, form)| value(tag, &parts.concat(), form))
    })
}

fn value(tag: u8, content: &[u8], form: u8) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let head = match form {
        0 | 1 if content.len() < 0x80 => vec![tag, low],
        0..=2 => vec![tag, 0x82, high, low],
        3 => vec![tag, 0x82, high, low.wrapping_add(1)],
        _ => vec![tag, 0x80],
    };
    let tail: &[u8] = if form > 3 { &[0, 0] } else { &[] };
    [&head, content, tail].concat()
}

/// What a parser whose good inputs are `seeds` is fed with.
pub(crate) fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed =
        (select(seeds.clone()), select(seeds), vec(change(), 1..6)).prop_map(|(mut input, other, changes)| {
            changes.iter().for_each(|change| change.apply(&mut input, &other));
            input
        });
    prop_oneof![
        8 => changed,
        1 => tree(),
        1 => vec(any::<u8>(), 0..600),
    ]
}
