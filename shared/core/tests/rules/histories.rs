//! Histories: an unbroken chain, in which no field can be changed unseen.

use marque_core::event::Head;
use marque_core::{ActivationId, Actor, CustomerId, Duration, Event, EventId, LicenseId, Note, TokenId, What};
use sha2::{Digest, Sha256};

use crate::build::{day, domain, id, slug, time};

fn event_id(number: u8) -> EventId {
    EventId::new(time("2027-01-10"), [number; 10])
}

/// One of everything that can happen.
fn everything() -> Vec<What> {
    let now = time("2027-01-10");
    let activation = ActivationId::new(now, [2; 10]);
    let note = || Note::new(&[1; 16], "the customer asked");
    let (plan, revision, percent) = (slug("yearly"), 3, 50);
    vec![
        What::Issued { customer: CustomerId::new(now, [1; 10]), plan: plan.clone(), revision, percent },
        What::Activated { activation, fingerprint: domain(0xab), rebind: false },
        What::Released { activation, reason: None },
        What::Released { activation, reason: Some(note()) },
        What::FileIssued { activation, jti: TokenId::new(now, [3; 10]) },
        What::Renewed { periods: u32::MAX, plan: plan.clone(), revision, through: day("9999-12-31"), percent },
        What::PlanChanged { plan: plan.clone(), revision, percent },
        What::ChangeScheduled { plan },
        What::ChangeWithdrawn,
        What::Cancelled { reason: None },
        What::Suspended { reason: note() },
        What::Reinstated { reason: note(), consume: true },
        What::Revoked { reason: note() },
        What::Extended { days: u16::MAX, reason: note() },
    ]
}

fn history() -> Vec<Event> {
    let mut head = Head::START;
    everything()
        .into_iter()
        .zip(0_u8..)
        .map(|(what, number)| {
            let at = time("2027-01-10").after(Duration::hours(u32::from(number)));
            let event = Event::after(head, event_id(number), id(7), at, Actor::System, what);
            head = event.head();
            event
        })
        .collect()
}

/// Whether every entry follows the one before, and the last is the head that the licence knows.
fn is_whole(events: &[Event], end: Head) -> bool {
    let mut head = Head::START;
    for event in events {
        if !event.follows(head) {
            return false;
        }
        head = event.head();
    }
    head == end
}

#[test]
fn a_history_counts_from_one_and_each_entry_follows_the_one_before() {
    let events = history();
    let end = events.last().unwrap().head();
    assert_eq!((events[0].seq, events[0].prev), (1, [0; 32]));
    assert!(is_whole(&events, end));
    for (event, after) in events.iter().zip(&events[1..]) {
        assert_eq!((after.seq, after.prev), (event.seq + 1, event.hash));
    }
}

#[test]
fn an_entry_left_out_put_in_moved_or_cut_off_breaks_the_chain() {
    let events = history();
    let end = events.last().unwrap().head();
    for at in 0..events.len() {
        let mut without = events.clone();
        without.remove(at);
        assert!(!is_whole(&without, end), "without {at}");
        let mut twice = events.clone();
        twice.insert(at, events[at].clone());
        assert!(!is_whole(&twice, end), "{at} twice");
        if at > 0 {
            let mut swapped = events.clone();
            swapped.swap(at - 1, at);
            assert!(!is_whole(&swapped, end), "{at} moved");
        }
    }
}

type Change = fn(&mut Event);

#[test]
fn any_field_changed_breaks_the_entry() {
    let events = history();
    let (head, event) = (events[4].head(), events[5].clone());
    assert!(event.follows(head));
    let changes: [(&str, Change); 8] = [
        ("id", |event| event.id = event_id(99)),
        ("license", |event| event.license = id(8)),
        ("seq", |event| event.seq += 1),
        ("at", |event| event.at = event.at.after(Duration::from_seconds(1))),
        ("by", |event| event.by = Actor::Principal("system".to_owned())),
        ("what", |event| event.what = What::ChangeWithdrawn),
        ("prev", |event| event.prev[31] ^= 1),
        ("hash", |event| event.hash[0] ^= 1),
    ];
    for (field, change) in changes {
        let mut changed = event.clone();
        change(&mut changed);
        assert!(!changed.follows(head), "{field}");
    }
}

#[test]
fn every_field_of_what_happened_is_hashed() {
    let hash = |what: What| Event::after(Head::START, event_id(1), id(7), time("2027-01-10"), Actor::System, what).hash;
    let renewed = |periods, plan: &str, revision, through: &str, percent| {
        hash(What::Renewed { periods, plan: slug(plan), revision, through: day(through), percent })
    };
    let mut hashes: Vec<_> = everything().into_iter().map(hash).collect();
    hashes.extend([
        renewed(1, "yearly", 1, "2028-01-10", 0),
        renewed(2, "yearly", 1, "2028-01-10", 0),
        renewed(1, "monthly", 1, "2028-01-10", 0),
        renewed(1, "yearly", 2, "2028-01-10", 0),
        renewed(1, "yearly", 1, "2028-01-11", 0),
        renewed(1, "yearly", 1, "2028-01-10", 1),
    ]);
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn who_did_it_is_hashed() {
    let actors = [
        Actor::System,
        Actor::Holder,
        Actor::Principal(String::new()),
        Actor::Principal("arn:aws:iam::1:role/a".to_owned()),
    ];
    let mut hashes: Vec<_> = actors
        .map(|by| Event::after(Head::START, event_id(1), id(7), time("2027-01-10"), by, What::ChangeWithdrawn).hash)
        .to_vec();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn an_entry_survives_being_written() {
    for event in history() {
        let what: What = serde_json::from_str(&serde_json::to_string(&event.what).unwrap()).unwrap();
        let value: What = serde_json::from_value(serde_json::to_value(&event.what).unwrap()).unwrap();
        assert_eq!((&what, &value), (&event.what, &event.what));
        let read = Event { what, ..event.clone() };
        assert!(read.follows(Head { seq: event.seq - 1, hash: event.prev }));
    }
}

#[test]
fn a_hash_is_the_same_for_ever() {
    // Stored histories depend on it: whoever changes how an entry is hashed breaks every one of them.
    let license: LicenseId = "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let id: EventId = "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let event = Event::after(Head::START, id, license, time("2027-01-10"), Actor::Holder, What::ChangeWithdrawn);
    let zeros = vec!["0"; 32].join(",");
    let text = format!(
        "marque/event/v1\n{{\"id\":\"{id}\",\"license\":\"{license}\",\"seq\":1,\"at\":\"2027-01-10T00:00:00Z\",\
         \"by\":\"holder\",\"what\":{{\"type\":\"change_withdrawn\"}},\"prev\":[{zeros}]}}"
    );
    let expected: [u8; 32] = Sha256::digest(text).into();
    assert_eq!(event.hash, expected);
}

#[test]
fn a_note_is_named_by_salt_and_text() {
    let note = Note::new(&[7; 16], "chargeback");
    let digest = Sha256::digest([[7; 16].as_slice(), b"chargeback"].concat());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(note.digest, hex);
    assert_ne!(note, Note::new(&[8; 16], "chargeback"), "the salt counts");
    assert_ne!(note, Note::new(&[7; 16], "chargebac"), "the text counts");
    assert!(!serde_json::to_string(&What::Revoked { reason: note }).unwrap().contains("chargeback"));
}

#[test]
fn a_head_out_of_its_senses_is_followed_by_nothing() {
    let event = history().remove(0);
    assert!(!event.follows(Head { seq: u64::MAX, hash: event.prev }));
}
