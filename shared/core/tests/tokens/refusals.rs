//! Every way to get a false token past the verifier that RFC 8725, its like, and the contract name.

use marque_core::Timestamp;
use marque_core::token::{
    Denial, Lease, LicenseFile, MAX_LIST, MAX_TOKEN, Part, Revocations, TokenError, Typ, UnverifiedToken,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::forge::{By, IAT, LEASE_KEY, claims, decode, encode, token, unix, verify, with};

fn refused(token: &str) -> TokenError {
    verify::<Lease>(token).unwrap_err()
}

/// A lease that is right but for its header, which is signed.
fn with_header(header: &str) -> String {
    By::LeaseKey.sign_text(header, &claims(Typ::Lease).to_string())
}

fn header_with(name: &str, value: impl Into<Value>) -> String {
    let mut header = By::LeaseKey.header(Typ::Lease);
    header[name] = value.into();
    with_header(&header.to_string())
}

/// A lease that is right but for its payload, which is signed.
fn with_payload(payload: &str) -> String {
    By::LeaseKey.sign_text(&By::LeaseKey.header(Typ::Lease).to_string(), payload)
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

#[test]
fn good_tokens_are_accepted() {
    assert!(verify::<Lease>(&token(Typ::Lease)).is_ok());
    assert!(verify::<Denial>(&token(Typ::Denial)).is_ok());
    assert!(verify::<LicenseFile>(&token(Typ::License)).is_ok());
    assert!(verify::<Revocations>(&token(Typ::Revocations)).is_ok());
    assert!(verify::<Lease>(&header_with("alg", "Ed25519")).is_ok());
}

#[test]
fn the_algorithm_is_the_keys() {
    for alg in ["none", "None", "", "HS256", "RS256", "ES256", "eddsa", "EDDSA", "Ed448", "EdDSA ", "Ed25519ph"] {
        assert_eq!(refused(&header_with("alg", alg)), TokenError::Algorithm, "{alg}");
    }
    let [header, payload, _] = parts(&header_with("alg", "none"));
    assert_eq!(refused(&format!("{header}.{payload}.")), TokenError::Algorithm);
    let [header, payload, _] = parts(&token(Typ::Lease));
    assert_eq!(refused(&format!("{header}.{payload}.")), TokenError::Encoding(Part::Signature));
}

#[test]
fn a_public_key_is_no_secret_of_an_hmac() {
    let [header, payload, _] = parts(&header_with("alg", "HS256"));
    let input = format!("{header}.{payload}");
    let forged = hmac_sha256(&By::LeaseKey.public().to_bytes(), input.as_bytes());
    assert_eq!(refused(&format!("{input}.{}", encode(&forged))), TokenError::Algorithm);
    // Nor with an innocent header and the length of a signature.
    let [header, payload, _] = parts(&token(Typ::Lease));
    let input = format!("{header}.{payload}");
    let half = hmac_sha256(&By::LeaseKey.public().to_bytes(), input.as_bytes());
    assert_eq!(refused(&format!("{input}.{}", encode(&[half, half].concat()))), TokenError::Signature);
}

/// RFC 2104.
fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[test]
fn a_token_brings_no_key_and_asks_for_nothing() {
    let jwk = By::Foreign.public().to_jwk();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("cty", json!("JWT")),
        ("new", json!(null)),
    ] {
        assert_eq!(refused(&header_with(name, value)), TokenError::HeaderExtra, "{name}");
    }
}

#[test]
fn the_header_names_algorithm_key_and_kind() {
    let header = By::LeaseKey.header(Typ::Lease);
    for name in ["alg", "kid", "typ"] {
        let mut without = header.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(refused(&with_header(&without.to_string())), TokenError::HeaderMember(name));
        for value in [json!(null), json!(7), json!(["EdDSA"]), json!({})] {
            assert_eq!(refused(&header_with(name, value)), TokenError::HeaderMember(name));
        }
    }
    for (text, expected) in [
        ("[]", TokenError::NotAnObject(Part::Header)),
        ("null", TokenError::NotAnObject(Part::Header)),
        ("\"EdDSA\"", TokenError::NotAnObject(Part::Header)),
        ("", TokenError::Json(Part::Header)),
        ("{", TokenError::Json(Part::Header)),
        ("\u{feff}{}", TokenError::Json(Part::Header)),
    ] {
        assert_eq!(refused(&with_header(text)), expected, "{text}");
    }
}

#[test]
fn nothing_is_said_twice() {
    let header = By::LeaseKey.header(Typ::Lease).to_string();
    let twice = |text: &str, what: &str| text.replacen('{', &format!("{{{what},"), 1);
    for member in [r#""alg":"none""#, r#""alg":"EdDSA""#, r#""\u0061lg":"EdDSA""#, r#""typ":"lease+jwt""#] {
        assert_eq!(
            refused(&with_header(&twice(&header, member))),
            TokenError::DuplicateMember(Part::Header),
            "{member}"
        );
    }
    let payload = claims(Typ::Lease).to_string();
    for member in [r#""exp":9999999999"#, r#""valid":true"#, r#""val\u0069d":true"#] {
        let token = with_payload(&twice(&payload, member));
        assert_eq!(refused(&token), TokenError::DuplicateMember(Part::Payload), "{member}");
    }
    for (name, inner) in [("features", r#"{"seats":1,"seats":99}"#), ("features", r#"{"a":[{"b":1,"b":1}]}"#)] {
        let token = with_payload(&with(Typ::Lease, name, "HERE").to_string().replace("\"HERE\"", inner));
        assert_eq!(refused(&token), TokenError::DuplicateMember(Part::Payload), "{inner}");
    }
}

#[test]
fn the_payload_is_an_object() {
    for payload in ["[]", "null", "7", "\"lease\""] {
        assert_eq!(refused(&with_payload(payload)), TokenError::NotAnObject(Part::Payload), "{payload}");
    }
    let good = claims(Typ::Lease).to_string();
    for payload in [String::new(), format!("{good}{good}"), format!("{good}\0"), good.replace(':', "="), "[".repeat(70)]
    {
        assert_eq!(refused(&with_payload(&payload)), TokenError::Json(Part::Payload), "{payload}");
    }
}

#[test]
fn base64url_has_one_spelling() {
    let good = token(Typ::Lease);
    let [header, payload, signature] = parts(&good);
    // The last letter of a signature carries four bits that mean nothing.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(signature.chars().last().unwrap()).unwrap();
    for spare in 1..16 {
        let other = format!("{}{}", &signature[..85], alphabet.chars().nth(last + spare).unwrap());
        assert_eq!(refused(&format!("{header}.{payload}.{other}")), TokenError::Encoding(Part::Signature), "{spare}");
    }
    let sign = |header: &str, payload: &str| By::LeaseKey.sign_input(&format!("{header}.{payload}"));
    for other in ["=", "==", " ", "\n", "+", "/", "A=", "é", "\0", "%3D"] {
        assert_eq!(
            refused(&sign(&format!("{header}{other}"), &payload)),
            TokenError::Encoding(Part::Header),
            "{other}"
        );
        assert_eq!(
            refused(&sign(&header, &format!("{payload}{other}"))),
            TokenError::Encoding(Part::Payload),
            "{other}"
        );
        let token = format!("{good}{other}");
        assert_eq!(refused(&token), TokenError::Encoding(Part::Signature), "{other}");
    }
    for token in [format!(" {good}"), format!("\n{good}"), format!("\u{feff}{good}")] {
        assert_eq!(refused(&token), TokenError::Encoding(Part::Header));
    }
    // Spare bits in the other parts, signed as they are.
    for (spare, spelling) in [("e30", "e31"), ("W10", "W11")] {
        assert_eq!(decode(spare).len(), 2);
        assert_eq!(refused(&sign(spelling, &payload)), TokenError::Encoding(Part::Header));
        assert_eq!(refused(&sign(&header, spelling)), TokenError::Encoding(Part::Payload));
    }
}

#[test]
fn there_are_three_parts() {
    let good = token(Typ::Lease);
    let [header, payload, signature] = parts(&good);
    for token in [
        String::new(),
        ".".to_owned(),
        header.clone(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{header}..{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
    ] {
        assert_eq!(refused(&token), TokenError::NotThreeParts, "{token}");
    }
    assert_eq!(refused(&format!(".{payload}.{signature}")), TokenError::Json(Part::Header));
    assert_eq!(refused(&format!("{header}..{signature}")), TokenError::Json(Part::Payload));
}

#[test]
fn a_kind_of_token_stands_in_for_no_other() {
    let wrong = |expected, found| TokenError::WrongTyp { expected, found };
    assert_eq!(verify::<Lease>(&token(Typ::Denial)).unwrap_err(), wrong(Typ::Lease, Typ::Denial));
    assert_eq!(verify::<Denial>(&token(Typ::Lease)).unwrap_err(), wrong(Typ::Denial, Typ::Lease));
    assert_eq!(verify::<LicenseFile>(&token(Typ::Lease)).unwrap_err(), wrong(Typ::License, Typ::Lease));
    assert_eq!(verify::<Lease>(&token(Typ::Keys)).unwrap_err(), wrong(Typ::Lease, Typ::Keys));
    for typ in ["JWT", "jwt", "", "lease", "LEASE+JWT", "application/lease+jwt", "lease+jwt "] {
        assert_eq!(refused(&header_with("typ", typ)), TokenError::UnknownTyp, "{typ}");
    }
}

#[test]
fn a_key_signs_what_it_is_listed_for() {
    let file = By::LeaseKey.sign(Typ::License, &claims(Typ::License));
    assert_eq!(verify::<LicenseFile>(&file).unwrap_err(), TokenError::NotItsDuty(Typ::License));
    let list = By::LeaseKey.sign(Typ::Revocations, &claims(Typ::Revocations));
    assert_eq!(verify::<Revocations>(&list).unwrap_err(), TokenError::NotItsDuty(Typ::Revocations));
    let lease = By::FileKey.sign(Typ::Lease, &claims(Typ::Lease));
    assert_eq!(verify::<Lease>(&lease).unwrap_err(), TokenError::NotItsDuty(Typ::Lease));
    // The root signs key sets and nothing else.
    assert_eq!(refused(&By::Root.sign(Typ::Lease, &claims(Typ::Lease))), TokenError::UnknownKey);
}

#[test]
fn a_foreign_key_proves_nothing() {
    assert_eq!(refused(&By::Foreign.sign(Typ::Lease, &claims(Typ::Lease))), TokenError::UnknownKey);
    for kid in ["", "key-1", "../../etc/passwd", "' OR 1=1 --", &"A".repeat(43), &"=".repeat(43)] {
        assert_eq!(refused(&header_with("kid", kid)), TokenError::UnknownKey, "{kid}");
    }
    // The name of a listed key over another's signature.
    let header = By::LeaseKey.header(Typ::Lease).to_string();
    let forged = By::Foreign.sign_text(&header, &claims(Typ::Lease).to_string());
    assert_eq!(refused(&forged), TokenError::Signature);
    let other = By::FileKey.sign_text(&header, &claims(Typ::Lease).to_string());
    assert_eq!(refused(&other), TokenError::Signature);
}

#[test]
fn a_signature_has_one_form() {
    let good = token(Typ::Lease);
    let [header, payload, signature] = parts(&good);
    let bytes = decode(&signature);
    let with = |bytes: &[u8]| refused(&format!("{header}.{payload}.{}", encode(bytes)));

    let mut more = bytes.clone();
    add_order(&mut more[32..]);
    assert_eq!(with(&more), TokenError::Signature, "S + L");
    assert_eq!(with(&[0; 64]), TokenError::Signature);
    // R and S of the neutral element, which fits any message under a key of small order.
    let mut neutral = [0; 64];
    neutral[0] = 1;
    assert_eq!(with(&neutral), TokenError::Signature);
    for length in [0, 1, 32, 63, 65, 128] {
        let other: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
        assert_eq!(with(&other), TokenError::Encoding(Part::Signature), "{length} bytes");
    }
    // Of another token of the same key.
    let [_, _, other] = parts(&token(Typ::Denial));
    assert_eq!(refused(&format!("{header}.{payload}.{other}")), TokenError::Signature);
}

/// Adds the group's order to a number in little-endian bytes.
fn add_order(scalar: &mut [u8]) {
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, more) in scalar.iter_mut().zip(order) {
        let sum = u16::from(*byte) + more + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
}

#[test]
fn a_key_signs_in_its_time() {
    let (from, until) = LEASE_KEY;
    let issued = |iat: i64| verify::<Lease>(&By::LeaseKey.sign(Typ::Lease, &with(Typ::Lease, "iat", iat)));
    assert_eq!(issued(from - 1).unwrap_err(), TokenError::BeforeItsKey);
    assert!(issued(from).is_ok());
    assert!(issued(until - 1).is_ok());
    assert_eq!(issued(until).unwrap_err(), TokenError::AfterItsKey);
    // A key without an end has none.
    let late = By::FileKey.sign(Typ::License, &with(Typ::License, "iat", 253_402_300_799_i64));
    assert!(verify::<LicenseFile>(&late).is_ok());
}

#[test]
fn issuer_and_product_are_as_expected() {
    for iss in ["", "https://licences.example.com/", "https://LICENCES.example.com", "https://evil.example"] {
        let token = By::LeaseKey.sign(Typ::Lease, &with(Typ::Lease, "iss", iss));
        assert_eq!(refused(&token), TokenError::Issuer, "{iss}");
        let list = By::FileKey.sign(Typ::Revocations, &with(Typ::Revocations, "iss", iss));
        assert_eq!(verify::<Revocations>(&list).unwrap_err(), TokenError::Issuer, "{iss}");
    }
    let token = By::LeaseKey.sign(Typ::Lease, &with(Typ::Lease, "aud", "another"));
    assert_eq!(refused(&token), TokenError::Audience);
    let several = By::LeaseKey.sign(Typ::Lease, &with(Typ::Lease, "aud", json!(["kopicloud-ad-api", "another"])));
    assert_eq!(refused(&several), TokenError::IllTypedClaim("aud"));
}

#[test]
fn what_has_expired_is_still_proven() {
    let (last, end) = (unix(IAT + 59), unix(IAT + 60));
    let lease = By::LeaseKey.sign(Typ::Lease, &with(Typ::Lease, "exp", end.unix()));
    let lease = verify::<Lease>(&lease).unwrap();
    assert!(lease.runs_at(last) && !lease.runs_at(end));
    let file = By::FileKey.sign(Typ::License, &with(Typ::License, "expires", end.to_string()));
    let file = verify::<LicenseFile>(&file).unwrap();
    assert!(file.runs_at(last) && !file.runs_at(end));
    assert!(verify::<LicenseFile>(&token(Typ::License)).unwrap().runs_at(Timestamp::MAX));
}

#[test]
fn a_token_has_a_largest_size() {
    let long = |typ: Typ, length: usize| {
        let claims = with(typ, "padding", "x".repeat(length));
        crate::forge::by(typ).sign(typ, &claims)
    };
    assert!(verify::<Lease>(&long(Typ::Lease, 40_000)).is_ok());
    assert!(long(Typ::Lease, 50_000).len() > MAX_TOKEN);
    assert_eq!(refused(&long(Typ::Lease, 50_000)), TokenError::TooLarge);
    // A list grows for ever.
    assert!(verify::<Revocations>(&long(Typ::Revocations, 1_000_000)).is_ok());
    assert_eq!(UnverifiedToken::parse(&"A".repeat(MAX_LIST + 1)).unwrap_err(), TokenError::TooLarge);
}

#[test]
fn a_refusal_repeats_nothing_of_the_token() {
    let secret = "SECRET";
    let tokens = [
        header_with("kid", secret),
        header_with("alg", secret),
        header_with("typ", secret),
        header_with(secret, secret),
        with_payload(&format!(r#"{{"{secret}":1,"{secret}":2}}"#)),
        with_payload(&with(Typ::Lease, "state", json!([secret])).to_string()),
        with_payload(&with(Typ::Lease, "iss", secret).to_string()),
        with_payload(&with(Typ::Lease, "next_check", secret).to_string()),
        secret.to_owned(),
    ];
    for token in tokens {
        let error = refused(&token);
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
    let unverified = UnverifiedToken::parse(&token(Typ::Lease)).unwrap();
    assert_eq!(format!("{unverified:?}"), "UnverifiedToken(lease+jwt)");
}
