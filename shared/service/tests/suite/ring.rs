//! The key ring: rotation, faults, and reading it again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use marque_core::token::{Expected, KeySet, Lease, PublicKey, RootKey, SigningKey, UnverifiedToken};
use marque_core::{Duration, Timestamp};
use marque_service::keyring::{Duty, KeyRing, Keys, NewKey, RingDocument, RingSource, RootDocument, SecretSeed};
use serde_json::json;

use crate::harness::{House, ISSUER, NOW, first_ring, time, validation, with};

const LONGEST: Duration = Duration::days(14);

fn root() -> RootKey {
    RootKey::from_seed([9; 32])
}

fn public(seed: u8) -> PublicKey {
    SigningKey::from_seed([seed; 32]).public().clone()
}

fn rotated(ring: &RingDocument, seed: u8, now: Timestamp) -> RingDocument {
    ring.rotate(&root(), Duty::Lease, &NewKey::Seed([seed; 32]), LONGEST, now).unwrap()
}

fn lease_key(ring: &RingDocument, now: Timestamp) -> String {
    KeyRing::read(ring, &RingSource::Given, now).unwrap().lease_key(now).unwrap().key_id().to_string()
}

#[test]
fn the_next_key_is_listed_48_hours_ahead_and_the_old_one_ends_24_hours_after() {
    let now = time(NOW);
    let ring = rotated(&first_ring(&root()), 3, now);
    let claims = ring.verified(root().public()).unwrap();
    assert_eq!((claims.seq, claims.iat, claims.iss.as_str()), (2, now, ISSUER));
    let (old, new) = (public(1).key_id(), public(3).key_id());
    let starts = now.after(Duration::hours(48));
    assert_eq!(claims.keys.get(new).unwrap().sign_from(), starts);
    assert_eq!(claims.keys.get(new).unwrap().sign_until(), None);
    assert_eq!(claims.keys.get(old).unwrap().sign_until(), Some(starts.after(Duration::hours(24))));
    assert_eq!(claims.keys.get(public(2).key_id()).unwrap().sign_until(), None, "the file key goes on");
    let before = starts.before(Duration::from_seconds(1));
    assert_eq!(lease_key(&ring, now), old.to_string());
    assert_eq!(lease_key(&ring, before), old.to_string());
    assert_eq!(lease_key(&ring, starts), new.to_string());
    assert_eq!(lease_key(&ring, now.after(Duration::days(400))), new.to_string());
}

#[test]
fn one_rotation_at_a_time() {
    let now = time(NOW);
    let ring = rotated(&first_ring(&root()), 3, now);
    let again = |at| ring.rotate(&root(), Duty::Lease, &NewKey::Seed([4; 32]), LONGEST, at);
    let early = again(now.after(Duration::hours(47))).unwrap_err();
    assert!(early.to_string().contains("listed already"), "{early}");
    again(now.after(Duration::hours(48))).unwrap();
    // The other duty is not held up.
    let file = ring.rotate(&root(), Duty::File, &NewKey::Seed([5; 32]), LONGEST, now).unwrap();
    assert_eq!(file.verified(root().public()).unwrap().keys.keys().len(), 4);
    let twice = ring.rotate(&root(), Duty::File, &NewKey::Seed([1; 32]), LONGEST, now).unwrap_err();
    assert!(!twice.to_string().is_empty(), "a key cannot have two duties");
    let stranger = ring.rotate(&RootKey::from_seed([8; 32]), Duty::Lease, &NewKey::Seed([4; 32]), LONGEST, now);
    stranger.unwrap_err();
}

#[test]
fn a_key_for_lists_signs_them_alone_and_files_stay_with_theirs() {
    let now = time(NOW);
    let list = |seed| NewKey::Seed([seed; 32]);
    let ring = first_ring(&root()).rotate(&root(), Duty::List, &list(5), LONGEST, now).unwrap();
    let claims = ring.verified(root().public()).unwrap();
    assert_eq!(claims.keys.get(public(2).key_id()).unwrap().sign_until(), None, "the file key goes on");
    // The next file key does not take the lists back.
    let ring = ring.rotate(&root(), Duty::File, &list(6), LONGEST, now.after(Duration::days(3))).unwrap();
    let signer = |at: Timestamp, lists: bool| {
        let ring = KeyRing::read(&ring, &RingSource::Given, at).unwrap();
        let key = if lists { ring.list_key(at) } else { ring.file_key(at) };
        key.unwrap().key_id()
    };
    let signs = now.after(Duration::hours(48));
    assert_eq!(signer(signs.before(Duration::from_seconds(1)), true), public(2).key_id());
    assert_eq!((signer(signs, true), signer(signs, false)), (public(5).key_id(), public(2).key_id()));
    let later = now.after(Duration::days(30));
    assert_eq!((signer(later, true), signer(later, false)), (public(5).key_id(), public(6).key_id()));
}

#[test]
fn lease_keys_leave_the_set_when_their_last_lease_has_run_out_and_file_keys_never() {
    let mut now = time(NOW);
    let mut ring = first_ring(&root());
    for (round, seed) in (10..16).enumerate() {
        ring = rotated(&ring, seed, now);
        ring = ring.rotate(&root(), Duty::File, &NewKey::Seed([seed + 100; 32]), LONGEST, now).unwrap();
        assert_eq!(ring.verified(root().public()).unwrap().seq, 3 + 2 * round as u64);
        now = now.after(Duration::days(30));
    }
    let claims = ring.verified(root().public()).unwrap();
    assert_eq!(
        claims.keys.keys().iter().filter(|key| key.typs().contains(&marque_core::token::Typ::License)).count(),
        7
    );
    let leases: Vec<_> =
        claims.keys.keys().iter().filter(|key| key.typs().contains(&marque_core::token::Typ::Lease)).collect();
    assert_eq!(leases.len(), 2, "the running one, and the one that it followed");
    assert!(ring.secrets.iter().all(|secret| claims.keys.get(secret.kid.parse().unwrap()).is_some()));
    KeyRing::read(&ring, &RingSource::Given, now).unwrap();

    // On the edge: the last lease of the old key may have been signed a second before its end.
    let ring = rotated(&first_ring(&root()), 3, time(NOW));
    let end = time(NOW).after(Duration::hours(72));
    let listed = |at| rotated(&ring, 4, at).verified(root().public()).unwrap().keys.get(public(1).key_id()).is_some();
    assert!(listed(end.after(LONGEST)));
    assert!(!listed(end.after(LONGEST).after(Duration::from_seconds(1))));
}

#[tokio::test]
async fn tokens_verify_across_a_rotation() {
    let now = time(NOW);
    let ring = rotated(&first_ring(&root()), 3, now);
    let house = House::with_keys(root(), Keys::given(&ring, now).unwrap()).await;
    let (issued, bound) = house.bound("yearly").await;
    let old = house.verified::<Lease>(&bound["lease"]).await;
    house.later(Duration::hours(50));
    let body = with(validation(issued.id, 1), "lease", bound["lease"].clone());
    let answer = house.post("/v1/validations", &body).await.ok(200);
    let new = house.verified::<Lease>(&answer["lease"]).await;
    assert_eq!((old.key_id(), new.key_id()), (public(1).key_id(), public(3).key_id()));
    assert_eq!(new.prev, Some(old.jti));
    // Whoever has heard of the first set only cannot know the new key, and says so.
    let first = first_ring(&root()).verified(root().public()).unwrap().keys;
    let token = UnverifiedToken::parse(answer["lease"].as_str().unwrap()).unwrap();
    token.verify::<Lease>(&first, Expected::default()).unwrap_err();
    let listed: KeySet = ring.verified(root().public()).unwrap().keys;
    token.verify::<Lease>(&listed, Expected::default()).unwrap();
}

#[tokio::test]
async fn when_every_key_has_run_out_nothing_is_signed() {
    let now = time(NOW);
    let ring = rotated(&first_ring(&root()), 3, now);
    let mut halved = ring.clone();
    halved.secrets.retain(|secret| secret.kid != public(3).key_id().to_string());
    let house = House::with_keys(root(), Keys::given(&halved, now).unwrap()).await;
    let (issued, _) = house.bound("yearly").await;
    house.later(Duration::hours(100));
    house.validate(issued.id, 1).await.problem(503, "UNAVAILABLE");
}

/// The texts that a message must not have a piece of.
fn tells_no_secret(message: &str, ring: &RingDocument) {
    for secret in &ring.secrets {
        let seed = serde_json::to_value(&secret.seed).unwrap();
        for text in seed.as_str().into_iter().flat_map(|seed| seed.as_bytes().windows(8)) {
            assert!(!message.contains(std::str::from_utf8(text).unwrap()), "{message}");
        }
    }
}

fn refused(ring: &RingDocument) -> String {
    let message = KeyRing::read(ring, &RingSource::Given, time(NOW)).unwrap_err().to_string();
    tells_no_secret(&message, ring);
    message
}

/// Seeds whose text is unmistakable.
fn seeded() -> RingDocument {
    let (lease, file) = (std::array::from_fn(|at| at as u8 * 7 + 3), std::array::from_fn(|at| at as u8 * 5 + 1));
    let from = time("2027-01-01T00:00:00Z");
    RingDocument::first(&root(), ISSUER, &NewKey::Seed(lease), &NewKey::Seed(file), from, from).unwrap()
}

#[test]
fn faulty_rings_are_refused_without_a_byte_of_a_key() {
    let good = seeded();
    KeyRing::read(&good, &RingSource::Given, time(NOW)).unwrap();
    let changed = |change: &dyn Fn(&mut RingDocument)| {
        let mut ring = good.clone();
        change(&mut ring);
        refused(&ring)
    };
    let swapped = changed(&|ring| {
        let seed = ring.secrets[0].seed.clone();
        ring.secrets[0].seed = ring.secrets[1].seed.clone();
        ring.secrets[1].seed = seed;
    });
    assert!(swapped.contains("makes another key"), "{swapped}");
    let unlisted = changed(&|ring| ring.secrets[0].kid = public(3).key_id().to_string());
    assert!(unlisted.contains("does not list"), "{unlisted}");
    let garbled = changed(&|ring| ring.secrets[0].kid = "\u{1b}[31m<kid>\n".repeat(100));
    assert!(
        garbled.len() < 200 && garbled.chars().all(|letter| letter.is_ascii_graphic() || letter == ' '),
        "{garbled}"
    );
    let in_kms = changed(&|ring| {
        ring.secrets[0].seed = None;
        ring.secrets[0].kms = Some("alias/lease".to_owned());
    });
    assert!(in_kms.contains("lease key cannot be in KMS"), "{in_kms}");
    changed(&|ring| ring.secrets[1].kms = Some("alias/both".to_owned()));
    changed(&|ring| ring.secrets[0].seed = None);
    changed(&|ring| drop(ring.secrets.remove(0)));
    changed(&|ring| drop(ring.secrets.remove(1)));
    let root = changed(&|ring| ring.root = RootKey::from_seed([8; 32]).public().to_jwk());
    assert!(root.contains("key set"), "{root}");
    changed(&|ring| ring.root = json!({}));
    changed(&|ring| ring.root = json!("x"));
    changed(&|ring| ring.key_set = String::new());
    changed(&|ring| ring.key_set.push('A'));
    // Not begun yet.
    KeyRing::read(&good, &RingSource::Given, time("2026-12-31T23:59:59Z")).unwrap_err();
}

#[test]
fn secrets_do_not_print() {
    let ring = seeded();
    tells_no_secret(&format!("{ring:?} {:?}", RootDocument::new([7; 32])), &ring);
    let seed = SecretSeed::new([7; 32]);
    assert_eq!(format!("{seed:?}"), "SecretSeed(…)");
    for text in ["\"SECRETSECRETSECRETSECRET\"", "7", "\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\""] {
        let error = serde_json::from_str::<SecretSeed>(text).unwrap_err().to_string();
        assert!(!error.contains("SECRET") && !error.contains("BwcH"), "{error}");
    }
    let text = serde_json::to_string(&RootDocument::new([7; 32])).unwrap();
    let read: RootDocument = serde_json::from_str(&text).unwrap();
    assert_eq!(read.key().public(), RootKey::from_seed([7; 32]).public());
}

/// A file of its own for each test.
fn file() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ring-{}-{number}.json", std::process::id()))
}

fn write(path: &Path, ring: &RingDocument) {
    std::fs::write(path, serde_json::to_string(ring).unwrap()).unwrap();
}

async fn seq(keys: &Keys, at: Timestamp) -> u64 {
    keys.ring(at).await.seq()
}

#[tokio::test]
async fn a_ring_is_read_again_hourly_and_never_an_older_one() {
    let (path, now) = (file(), time(NOW));
    let first = first_ring(&root());
    write(&path, &first);
    let keys = Keys::load(RingSource::File(path.clone()), now).await.unwrap();
    assert_eq!(seq(&keys, now).await, 1);
    let second = rotated(&first, 3, now);
    write(&path, &second);
    assert_eq!(seq(&keys, now.after(Duration::from_seconds(3599))).await, 1);
    let hour = |count: u32| now.after(Duration::hours(count));
    assert_eq!(seq(&keys, hour(1)).await, 2);
    write(&path, &first);
    assert_eq!(seq(&keys, hour(2)).await, 2, "an older ring was taken");
    for broken in ["", "{", "{\"root\": 1}", "SECRETSECRET"] {
        std::fs::write(&path, broken).unwrap();
        assert_eq!(seq(&keys, hour(3)).await, 2, "a failing reading ended the ring");
        let fault = Keys::load(RingSource::File(path.clone()), now).await.unwrap_err().to_string();
        assert!(!fault.contains("SECRET"), "{fault}");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(seq(&keys, hour(5)).await, 2);
    assert!(keys.ring(hour(6)).await.lease_key(hour(6)).is_ok());
    Keys::load(RingSource::File(path.clone()), now).await.unwrap_err();
    // And when it is mended, the next hour sees it.
    write(&path, &second.rotate(&root(), Duty::File, &NewKey::Seed([6; 32]), LONGEST, now).unwrap());
    assert_eq!(seq(&keys, hour(8)).await, 3);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn the_service_signs_with_what_it_read_again() {
    let (path, now) = (file(), time(NOW));
    let first = first_ring(&root());
    write(&path, &first);
    let keys = Keys::load(RingSource::File(path.clone()), now).await.unwrap();
    let house = House::with_keys(root(), keys).await;
    let (issued, _) = house.bound("yearly").await;
    write(&path, &rotated(&first, 3, now));
    house.later(Duration::hours(49));
    let answer = house.validate(issued.id, 1).await.ok(200);
    assert_eq!(house.verified::<Lease>(&answer["lease"]).await.key_id(), public(3).key_id());
    assert_eq!(house.get("/.well-known/jwks.json").await.json()["keys"].as_array().unwrap().len(), 3);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_ring_of_another_root_or_issuer_is_not_taken_in_passing() {
    let (path, now) = (file(), time(NOW));
    let first = first_ring(&root());
    write(&path, &first);
    let keys = Keys::load(RingSource::File(path.clone()), now).await.unwrap();
    let from = time("2027-01-01T00:00:00Z");
    for (hour, root, issuer) in
        [(1, RootKey::from_seed([66; 32]), ISSUER), (2, root(), "https://elsewhere.example.com")]
    {
        let (lease, file) = (NewKey::Seed([67; 32]), NewKey::Seed([68; 32]));
        let theirs = RingDocument::first(&root, issuer, &lease, &file, from, from).unwrap();
        let theirs = theirs.rotate(&root, Duty::Lease, &NewKey::Seed([69; 32]), LONGEST, now).unwrap();
        write(&path, &theirs);
        let kept = keys.ring(now.after(Duration::hours(hour))).await;
        assert_eq!((kept.seq(), kept.token()), (1, first.key_set.as_str()), "no product would trust what it signs");
    }
    std::fs::remove_file(&path).unwrap();
    write(&path, &first);
    Keys::load(RingSource::File(path.clone()), now).await.unwrap().of_issuer(ISSUER).unwrap();
    let keys = Keys::load(RingSource::File(path.clone()), now).await.unwrap();
    keys.of_issuer("https://elsewhere.example.com").unwrap_err();
    std::fs::remove_file(&path).unwrap();
}
