//! A token with any byte changed, taken out or put in is no token; a file gives the same licence or none.

use marque_core::token::{
    Claims, Denial, Expected, Lease, LicFile, LicenseFile, Revocations, Typ, UnverifiedToken, Verified,
};

use crate::forge::{By, keys, token, verify};

/// Every text of the same length with one byte changed, each byte in a few ways, and every one with a byte too few or
/// too many.
fn neighbours(text: &str) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).flat_map(move |at| {
        let bytes = text.as_bytes();
        let changed = [bytes[at] ^ 1, bytes[at] ^ 0x20, b'A', b'_', b'.', b'=', b'\n', 0, 0xff]
            .into_iter()
            .filter(move |byte| *byte != bytes[at]);
        let replaced = changed.map(move |byte| [&bytes[..at], &[byte], &bytes[at + 1..]].concat());
        let removed = [&bytes[..at], &bytes[at + 1..]].concat();
        let doubled = [&bytes[..=at], &bytes[at..]].concat();
        replaced.chain([removed, doubled])
    })
}

fn no_neighbour_is_accepted<C: Claims>() {
    let good = token(C::TYP);
    assert!(verify::<C>(&good).is_ok());
    for bytes in neighbours(&good) {
        if let Ok(text) = std::str::from_utf8(&bytes) {
            assert!(verify::<C>(text).is_err(), "{text}");
        }
    }
}

#[test]
fn a_changed_token_is_none() {
    no_neighbour_is_accepted::<Lease>();
    no_neighbour_is_accepted::<Denial>();
    no_neighbour_is_accepted::<LicenseFile>();
    no_neighbour_is_accepted::<Revocations>();
}

#[test]
fn a_changed_key_set_is_none() {
    let (good, root) = (token(Typ::Keys), By::Root.public());
    for bytes in neighbours(&good) {
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let outcome = UnverifiedToken::parse(text).and_then(|token| token.verify_key_set(&root, None, None));
        assert!(outcome.is_err(), "{text}");
    }
}

#[test]
fn a_changed_file_gives_the_same_licence_or_none() {
    let token = token(Typ::License);
    let claims = verify::<LicenseFile>(&token).unwrap();
    let file = LicFile::render(&claims, &token);
    let read = |bytes: &[u8]| -> Option<Verified<LicenseFile>> {
        LicFile::parse(bytes).ok()?.verify(&keys(), Expected::default()).ok()
    };
    for bytes in neighbours(&file) {
        if let Some(read) = read(&bytes) {
            assert_eq!(read, claims, "{}", String::from_utf8_lossy(&bytes));
        }
    }
    // Within the block, no letter can change at all.
    let block = file.find(&token[..64]).unwrap()..file.rfind("\n-----END").unwrap();
    for at in block.filter(|at| file.as_bytes()[*at] != b'\n') {
        for other in [file.as_bytes()[at] ^ 1, b'-', b'*', 0x80] {
            let mut bytes = file.clone().into_bytes();
            if std::mem::replace(&mut bytes[at], other) != other {
                assert_eq!(read(&bytes), None, "byte {at}");
            }
        }
    }
}
