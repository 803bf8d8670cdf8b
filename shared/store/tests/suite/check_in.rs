//! The daily check: who is stamped, with what, and what is left alone.

use marque_core::{Day, Duration, FingerprintKind, License, Seen, What};
use marque_store::{CheckIn, Committed, KeyRule, Stamp};

use crate::support::{NOW, Table, domain, license, slug, stamp, time, token, trial, yearly};

async fn is_stamped(table: &Table, stamp: Stamp<'_>) -> bool {
    let (id, before) = (stamp.license, table.license_item(stamp.license).await);
    match table.check(stamp).await {
        CheckIn::Stamped(_) => true,
        CheckIn::Refused(_) => {
            assert_eq!(table.license_item(id).await, before, "a refused check changed the item");
            false
        }
    }
}

#[tokio::test]
async fn a_stamp_says_who_was_there_and_changes_nothing_else() {
    let (table, license) = Table::bound(&yearly()).await;
    let checked = table.check(stamp(&license, &domain(1), 1)).await;
    assert_eq!(checked, CheckIn::Stamped(license.clone()), "it answers the licence as it was before");
    let mut after = license;
    after.activations.get_mut(&domain(1)).unwrap().seen = Some(Seen {
        at: time(NOW),
        instance_id: [7; 16],
        product_version: Some("1.2.0".to_owned()),
        lease: token(1),
        previous_lease: None,
    });
    assert_eq!(table.read(after.id).await, after);
}

#[tokio::test]
async fn the_last_two_leases_are_kept() {
    let (table, license) = Table::bound(&yearly()).await;
    let seen = async |lease: u8| {
        let CheckIn::Stamped(before) = table.check(stamp(&license, &domain(1), lease)).await else { panic!() };
        let of = |license: &License| {
            license.activations[&domain(1)].seen.as_ref().map(|seen| (seen.lease, seen.previous_lease))
        };
        (of(&before), of(&table.read(license.id).await).unwrap())
    };
    assert_eq!(seen(1).await, (None, (token(1), None)));
    assert_eq!(seen(2).await, (Some((token(1), None)), (token(2), Some(token(1)))));
    assert_eq!(seen(3).await, (Some((token(2), Some(token(1)))), (token(3), Some(token(2)))));
}

#[tokio::test]
async fn a_version_that_is_not_reported_is_forgotten() {
    let (table, license) = Table::bound(&yearly()).await;
    table.check(stamp(&license, &domain(1), 1)).await;
    let domain = domain(1);
    table.check(Stamp { product_version: None, ..stamp(&license, &domain, 2) }).await;
    let seen = table.read(license.id).await.activations[&domain].seen.clone().unwrap();
    assert_eq!((seen.product_version, seen.previous_lease), (None, Some(token(1))));
}

#[tokio::test]
async fn strangers_leave_no_stamp() {
    let (table, license) = Table::bound(&yearly()).await;
    let (mine, other, product) = (domain(1), domain(2), slug("other"));
    assert!(!is_stamped(&table, stamp(&license, &other, 1)).await, "another domain");
    assert!(!is_stamped(&table, Stamp { product: &product, ..stamp(&license, &mine, 1) }).await, "another product");
    let kind = FingerprintKind::Custom;
    assert!(!is_stamped(&table, Stamp { fingerprint_kind: kind, ..stamp(&license, &mine, 1) }).await, "another kind");
    assert!(is_stamped(&table, stamp(&license, &mine, 1)).await);
}

#[tokio::test]
async fn an_unknown_licence_is_none_and_is_not_made() {
    let (table, _) = Table::bound(&yearly()).await;
    let unknown = license(&yearly(), 2);
    let before = table.items().await.len();
    assert_eq!(table.store.check_in(stamp(&unknown, &domain(1), 1)).await.unwrap(), None);
    assert_eq!(table.items().await.len(), before);
}

#[tokio::test]
async fn a_licence_is_stamped_through_the_last_second_that_it_runs() {
    let (table, license) = Table::bound(&yearly()).await;
    let domain = domain(1);
    let end = "2028-03-10".parse::<Day>().unwrap().plus_days(14).end();
    let at = |now| Stamp { now, ..stamp(&license, &domain, 1) };
    assert!(is_stamped(&table, at(end)).await);
    assert!(!is_stamped(&table, at(end.after(Duration::from_seconds(1)))).await);
}

#[tokio::test]
async fn a_licence_that_support_stops_is_not_stamped_and_runs_again_when_reinstated() {
    let (table, bound) = Table::bound(&yearly()).await;
    let (plan, domain) = (yearly(), domain(1));
    let plans = crate::support::alone(&plan);
    let note = || marque_core::Note::new(&[0; 16], "because");
    let stopped = bound.clone().suspend(plans, time(NOW)).unwrap();
    let (committed, stopped) = table.commit(&bound, stopped, &plan, What::Suspended { reason: note() }).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    assert!(!is_stamped(&table, stamp(&bound, &domain, 1)).await);
    let again = stopped.clone().reinstate(false, plans, time(NOW)).unwrap();
    let what = What::Reinstated { reason: note(), consume: false };
    let (committed, again) = table.commit(&stopped, again, &plan, what).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    assert!(is_stamped(&table, stamp(&bound, &domain, 1)).await);
    let over = again.clone().revoke(plans, time(NOW)).unwrap();
    let (committed, _) = table.commit(&again, over, &plan, What::Revoked { reason: note() }).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    assert!(!is_stamped(&table, stamp(&bound, &domain, 1)).await);
}

#[tokio::test]
async fn a_trial_that_has_not_started_is_not_stamped() {
    let (table, license) = Table::with(&trial()).await;
    assert!(!is_stamped(&table, stamp(&license, &domain(1), 1)).await);
}

#[tokio::test]
async fn a_key_decides_who_is_stamped() {
    let (table, license) = Table::bound(&yearly()).await;
    let domain = domain(1);
    let with = |key| Stamp { key, ..stamp(&license, &domain, 1) };
    let key_now = async || table.read(license.id).await.activations[&domain].public_key;
    let (mine, other) = ([1; 32], [2; 32]);

    assert!(!is_stamped(&table, with(KeyRule::Signed(mine))).await, "there is no key yet");
    assert!(is_stamped(&table, with(KeyRule::Replace(Some(mine)))).await);
    assert_eq!(key_now().await, Some(mine));
    assert!(!is_stamped(&table, with(KeyRule::Unsigned)).await);
    assert!(!is_stamped(&table, with(KeyRule::Signed(other))).await);
    assert!(is_stamped(&table, with(KeyRule::Signed(mine))).await);
    assert!(is_stamped(&table, with(KeyRule::Replace(Some(other)))).await);
    assert_eq!(key_now().await, Some(other));
    assert!(is_stamped(&table, with(KeyRule::Replace(None))).await);
    assert_eq!(key_now().await, None);
    assert!(is_stamped(&table, with(KeyRule::Replace(None))).await, "dropping no key is harmless");
    assert!(is_stamped(&table, with(KeyRule::Unsigned)).await);
}

#[tokio::test]
async fn a_stamp_leaves_version_and_history_alone() {
    let (table, license) = Table::bound(&yearly()).await;
    for lease in 1..=5 {
        table.check(stamp(&license, &domain(1), lease)).await;
    }
    let now = table.read(license.id).await;
    assert_eq!((now.version, now.head), (license.version, license.head));
    assert_eq!(table.history(license.id).await.len(), 2);
}

#[tokio::test]
async fn forks_are_counted_one_by_one_where_there_is_something_to_count() {
    let (table, license) = Table::bound(&yearly()).await;
    for _ in 0..3 {
        table.store.count_fork(license.id, &domain(1)).await.unwrap();
    }
    assert_eq!(table.read(license.id).await.activations[&domain(1)].forks, 3);
    let before = table.license_item(license.id).await;
    table.store.count_fork(license.id, &domain(2)).await.unwrap();
    assert_eq!(table.license_item(license.id).await, before);
    let items = table.items().await.len();
    table.store.count_fork(crate::support::license(&yearly(), 9).id, &domain(1)).await.unwrap();
    assert_eq!(table.items().await.len(), items, "a licence that is not there was made by counting");
}
