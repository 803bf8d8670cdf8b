//! `.lic` files on their way through mail, editors and people.

use marque_core::token::{LicError, LicFile, LicenseFile, MAX_TOKEN, TokenError, Typ, UnverifiedToken, Verified};
use proptest::prelude::*;
use serde_json::json;

use crate::forge::{By, ISSUER, claims, keys, time, token, verify, with};

const BEGIN: &str = "-----BEGIN MARQUE LICENSE-----";
const END: &str = "-----END MARQUE LICENSE-----";

fn file() -> String {
    let token = token(Typ::License);
    LicFile::render(&verify::<LicenseFile>(&token).unwrap(), &token)
}

fn read(text: impl AsRef<[u8]>) -> Result<Verified<LicenseFile>, LicError> {
    Ok(LicFile::parse(text)?.verify(&keys(), Default::default())?)
}

#[test]
fn a_file_is_lines_for_people_and_a_folded_token() {
    let file = file();
    let (people, block) = file.split_once("\n\n").unwrap();
    assert_eq!(
        people,
        format!(
            "Product: kopicloud-ad-api\nLicensed to: Ann Lee, Example GmbH\nPlan: perpetual\nDomain fingerprint: \
             {}\nValid until: for ever",
            "ab".repeat(32)
        )
    );
    let lines: Vec<_> = block.lines().collect();
    let [begin, token_lines @ .., end] = lines.as_slice() else { panic!("a block") };
    assert_eq!((*begin, *end), (BEGIN, END));
    let (last, full) = token_lines.split_last().unwrap();
    assert!(full.iter().all(|line| line.len() == 64) && (1..=64).contains(&last.len()));
    assert_eq!(token_lines.concat(), token(Typ::License));
    assert!(file.ends_with(&format!("{END}\n")));
    assert_eq!(read(&file).unwrap().jti.to_string(), "01BX5ZZKBKACTAV9WEVGEMMVS2");
}

#[test]
fn an_end_is_shown() {
    let mut claims = verify::<LicenseFile>(&token(Typ::License)).unwrap().into_claims();
    claims.expires = Some(time("2030-01-01T00:00:00Z"));
    assert!(LicFile::render(&claims, "x").contains("\nValid until: 2030-01-01T00:00:00Z\n"));
}

#[test]
fn what_mail_and_editors_do_does_no_harm() {
    let file = file();
    let (people, block) = file.split_once("\n\n").unwrap();
    for (what, text) in [
        ("CRLF", file.replace('\n', "\r\n").into_bytes()),
        ("a byte order mark", format!("\u{feff}{file}").into_bytes()),
        ("a byte order mark before the block", format!("\u{feff}{block}").into_bytes()),
        ("blanks at line ends", file.replace('\n', " \t\n").into_bytes()),
        ("indented", file.replace('\n', "\n    ").into_bytes()),
        ("empty lines", file.replace('\n', "\n\n").into_bytes()),
        ("the block alone", block.as_bytes().to_vec()),
        ("no line end", file.trim_end().as_bytes().to_vec()),
        ("a letter around it", format!("Dear Ann,\n\nhere it is:\n{file}\n-- \nVendor\n").into_bytes()),
        ("folded elsewhere", format!("{BEGIN}\n{}\n{END}", token(Typ::License)).into_bytes()),
        ("names in Latin-1", [b"Licensed to: J\xfcrgen\n", block.as_bytes()].concat()),
        ("other lines for people", file.replace(people, "Valid until: the end of time").into_bytes()),
    ] {
        assert_eq!(read(text).map(|file| file.sub), read(&file).map(|file| file.sub), "{what}");
    }
}

#[test]
fn there_is_exactly_one_whole_block() {
    let file = file();
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(file.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let quoted = file.replace('\n', "\n> ");
    for (what, text, expected) in [
        ("nothing", Vec::new(), LicError::NoBlock),
        ("no block", b"Product: x\n".to_vec(), LicError::NoBlock),
        ("a bare token", token(Typ::License).into_bytes(), LicError::NoBlock),
        ("quoted by mail", quoted.into_bytes(), LicError::NoBlock),
        ("no beginning", file.replace(BEGIN, "").into_bytes(), LicError::NoBlock),
        ("no end", file.replace(END, "").into_bytes(), LicError::NoEnd),
        ("a damaged end", file.replace(END, "-----END MARQUE LICENSE----").into_bytes(), LicError::NoEnd),
        ("the end first", format!("{END}\n{BEGIN}\n").into_bytes(), LicError::NoEnd),
        ("two blocks", format!("{file}{file}").into_bytes(), LicError::SeveralBlocks),
        ("one in another", file.replace(BEGIN, &format!("{BEGIN}\n{BEGIN}")).into_bytes(), LicError::SeveralBlocks),
        ("two ends", format!("{file}{END}\n").into_bytes(), LicError::SeveralBlocks),
        ("UTF-16", utf16, LicError::Utf16),
        ("too large", vec![b' '; 2 * MAX_TOKEN + 1], LicError::TooLarge),
        ("empty", format!("{BEGIN}\n{END}\n").into_bytes(), LicError::Token(TokenError::NotThreeParts)),
    ] {
        assert_eq!(LicFile::parse(text), Err(expected), "{what}");
    }
}

#[test]
fn only_a_licence_is_in_it() {
    let lease = format!("{BEGIN}\n{}\n{END}\n", token(Typ::Lease));
    let wrong = TokenError::WrongTyp { expected: Typ::License, found: Typ::Lease };
    assert_eq!(LicFile::parse(lease), Err(LicError::Token(wrong)));
}

#[test]
fn a_file_or_a_token_is_told_apart() {
    for typ in Typ::ALL.iter().copied() {
        for text in [token(typ), format!("\u{feff}  {}\r\n", token(typ))] {
            assert_eq!(UnverifiedToken::read(text).unwrap().unverified_typ(), typ);
        }
    }
    assert_eq!(UnverifiedToken::read(file()).unwrap().unverified_typ(), Typ::License);
    assert_eq!(UnverifiedToken::read("hello"), Err(LicError::Token(TokenError::NotThreeParts)));
    assert_eq!(UnverifiedToken::read("hello world"), Err(LicError::NoBlock));
}

#[test]
fn a_name_stays_in_its_line() {
    let forged = format!("Ann\r\n{BEGIN}\nAAAA\n{END}\n\u{2028}\u{85}Valid until: for ever\u{202e}\u{200b}\u{1b}[2J");
    let token =
        By::FileKey.sign(Typ::License, &with(Typ::License, "licensee", json!({ "name": forged, "company": BEGIN })));
    let file = LicFile::render(&verify::<LicenseFile>(&token).unwrap(), &token);
    let people = file.split_once("\n\n").unwrap().0;
    assert_eq!(people.lines().count(), 5);
    assert_eq!(people.matches("-----").count(), 0);
    assert_eq!(people.chars().filter(|letter| letter.is_control() && *letter != '\n').count(), 0);
    assert_eq!(read(&file).unwrap().licensee.name, forged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_names_the_file_holds(name in "(?s).{0,300}", company in any::<String>(), terms in any::<String>()) {
        let mut claims = claims(Typ::License);
        claims["licensee"] = json!({ "name": name, "company": company });
        claims["terms"] = json!(terms);
        let token = By::FileKey.sign(Typ::License, &claims);
        let file = LicFile::render(&verify::<LicenseFile>(&token).unwrap(), &token);
        prop_assert!(file.lines().all(|line| line.chars().count() <= 100));
        prop_assert_eq!(file.lines().take_while(|line| !line.is_empty()).count(), 5);
        let parsed = LicFile::parse(&file).unwrap();
        prop_assert_eq!(parsed.as_str(), token);
        prop_assert!(read(&file).is_ok_and(|file| file.iss == ISSUER));
    }
}
