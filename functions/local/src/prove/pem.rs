//! Blocks of PEM (RFC 7468).

use base64ct::{Base64, Encoding};

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Vec<u8>,
}

/// Every block of a text, in order; what stands between them is left alone. `None`: a block is faulty.
pub(super) fn blocks(text: &str) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, body) = after.split_once("-----")?;
        let (letters, behind) = body.split_once(&format!("-----END {label}-----"))?;
        let letters: String = letters.split_ascii_whitespace().collect();
        blocks.push(Block { label: label.to_owned(), der: Base64::decode_vec(&letters).ok()? });
        rest = behind;
    }
    Some(blocks)
}

impl Block {
    /// The letters alone, as Oracle's federation takes them.
    pub(super) fn letters(&self) -> String {
        Base64::encode_string(&self.der)
    }

    /// The block as a text.
    pub(super) fn text(&self) -> String {
        let letters = self.letters();
        let lines: Vec<_> = letters.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"), label = self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_in_order_and_written_again() {
        let text =
            "x\n-----BEGIN A B-----\nAQID\r\nBAUG\n-----END A B-----\ny\n-----BEGIN C-----\nBw==\n-----END C-----";
        let found = blocks(text).unwrap();
        assert_eq!(found[0], Block { label: "A B".to_owned(), der: vec![1, 2, 3, 4, 5, 6] });
        assert_eq!(found[1].text(), "-----BEGIN C-----\nBw==\n-----END C-----\n");
        assert_eq!(blocks("").unwrap(), []);
        for faulty in
            ["-----BEGIN A-----\nAQID\n-----END B-----", "-----BEGIN A-----\n!\n-----END A-----", "-----BEGIN A"]
        {
            assert_eq!(blocks(faulty), None, "{faulty}");
        }
    }
}
