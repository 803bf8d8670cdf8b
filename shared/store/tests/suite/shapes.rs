//! Licences, plans and customers of every shape, written and read back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use marque_core::event::Head;
use marque_core::license::Bindings;
use marque_core::listing::{Dimension, Effect};
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::token::{Revoked, Subject};
use marque_core::usage::{Included, Unit};
use marque_core::{
    Activation, ActivationId, Cloud, Customer, CustomerId, Day, Duration, FingerprintKind, FingerprintValue, Language,
    License, LicenseId, Listing, Mode, Offer, Paid, Pending, Period, Plan, PlanRef, Plans, Product, Seen, Slug,
    Standing, Term, Timestamp, TokenId,
};
use marque_store::items::MAX_REVOKED;
use marque_store::{Along, Change, Committed, StoreError};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{PRODUCT, Table, slug, yearly};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.unix()).prop_map(|seconds| Timestamp::from_unix(seconds).unwrap())
}

fn any_day() -> impl Strategy<Value = Day> {
    any_time().prop_map(Timestamp::day)
}

fn any_slug() -> impl Strategy<Value = Slug> {
    "[a-z0-9-]{1,40}".prop_map(|text| slug(&text))
}

fn any_token() -> impl Strategy<Value = TokenId> {
    (any_time(), any::<[u8; 10]>()).prop_map(|(at, random)| TokenId::new(at, random))
}

fn any_domain() -> impl Strategy<Value = FingerprintValue> {
    any::<[u8; 32]>().prop_map(FingerprintValue)
}

fn any_paid() -> impl Strategy<Value = Paid> {
    prop_oneof![
        Just(Paid::NotStarted),
        Just(Paid::Forever),
        any_time().prop_map(Paid::Until),
        (any_day(), any_day()).prop_map(|(anchor, through)| Paid::Through { anchor, through }),
    ]
}

fn any_term() -> impl Strategy<Value = Term> {
    (any_slug(), any::<u32>(), any_paid())
        .prop_map(|(plan, revision, paid)| Term { plan: PlanRef { plan, revision }, paid })
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Live),
        any_time().prop_map(|since| Standing::Suspended { since }),
        any_time().prop_map(|at| Standing::Revoked { at }),
    ]
}

fn any_pending() -> impl Strategy<Value = Pending> {
    prop_oneof![Just(Pending::Nothing), Just(Pending::Cancellation), any_slug().prop_map(Pending::Change)]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    (any_time(), any::<[u8; 16]>(), option::of(".{0,64}"), any_token(), option::of(any_token())).prop_map(
        |(at, instance_id, product_version, lease, previous_lease)| Seen {
            at,
            instance_id,
            product_version,
            lease,
            previous_lease,
        },
    )
}

fn any_activation() -> impl Strategy<Value = Activation> {
    let id = (any_time(), any::<[u8; 10]>()).prop_map(|(at, random)| ActivationId::new(at, random));
    let key = option::of(any::<[u8; 32]>());
    let keys = prop::collection::vec(any::<[u8; 32]>(), 0..4);
    (id, any_time(), option::of(any_seen()), key, keys, any::<u32>(), option::of(any_token())).prop_map(
        |(id, bound_at, seen, public_key, replaced_keys, forks, file)| Activation {
            id,
            bound_at,
            seen,
            public_key,
            replaced_keys,
            forks,
            file,
        },
    )
}

fn any_bindings() -> impl Strategy<Value = Bindings> {
    let today = option::of((any_day(), any::<u8>()));
    (option::of(any_domain()), any::<u8>(), prop::collection::vec(any_time(), 0..4), today)
        .prop_map(|(last, first_domains, rebinds, today)| Bindings { last, first_domains, rebinds, today })
}

fn any_license() -> impl Strategy<Value = License> {
    let facts =
        (any::<[u8; 10]>(), any_time(), any_slug(), select(vec![FingerprintKind::AdDomain, FingerprintKind::Custom]));
    let terms = (any_standing(), any_term(), option::of(any_term()), any_pending());
    let activations = prop::collection::btree_map(any_domain(), any_activation(), 0..=8);
    (facts, terms, activations, any_bindings(), any::<u64>()).prop_map(
        |(
            (random, issued_at, product, fingerprint_kind),
            (standing, running, next, pending),
            activations,
            bindings,
            version,
        )| {
            License {
                id: LicenseId::new(issued_at, random),
                product,
                fingerprint_kind,
                customer: CustomerId::new(issued_at, random),
                issued_at,
                standing,
                running,
                next,
                pending,
                features: (0..version % 3).map(|n| (format!("limit-{n}"), n.into())).collect(),
                activations,
                bindings,
                head: Head::START,
                version,
            }
        },
    )
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let period = || prop_oneof![(1..=3660u16).prop_map(Period::Days), (1..=120u16).prop_map(Period::Months)];
    let starts = || select(vec![Starts::Issue, Starts::Activation]);
    let grace = || (0..400u32).prop_map(Duration::days);
    prop_oneof![
        (period(), starts(), grace()).prop_map(|(length, starts, grace)| Terms::Trial { length, starts, grace }),
        (option::of(period()), starts(), grace()).prop_map(|(period, starts, grace)| Terms::Subscription {
            period,
            starts,
            grace
        }),
        Just(Terms::Perpetual),
    ]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let features = prop::collection::btree_map(".{0,8}", any::<Option<i64>>(), 0..4);
    let sale = select(vec![Sale::Sellable, Sale::Legacy, Sale::Hidden]);
    let rules = (1..=8u64, any::<u8>(), sale, option::of(any::<u16>()), 0..=50u64);
    (".{1,40}", any_terms(), 1..400u32, rules, features, prop::collection::vec(any::<u16>(), 0..4)).prop_map(
        |(name, terms, lease, (seats, rebinds_per_year, sale, trials_per_person, discount), features, reminders)| {
            Plan {
                name,
                terms,
                lease: Duration::days(lease),
                activations: Activations::new(seats).unwrap(),
                rebinds_per_year,
                sale,
                features: features.into_iter().map(|(name, value)| (name, value.into())).collect(),
                trials_per_person,
                discount_max: Percent::new(discount).unwrap(),
                reminders,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_licence_is_read_as_it_was_written(mut license in any_license()) {
        block_on(async {
            let table = Table::new().await;
            prop_assert_eq!(table.write(&mut license, &yearly(), 1).await.unwrap(), Committed::Done);
            prop_assert_eq!(&table.read(license.id).await, &license);
            let listed = table.store.licenses_of(license.customer, None, 10).await.unwrap();
            prop_assert_eq!(listed, vec![license.id]);
            Ok(())
        })?;
    }

    /// Between any two licences, the change that is written turns the one into the other.
    #[test]
    fn a_change_makes_all_of_the_difference(mut before in any_license(), to in any_license()) {
        block_on(async {
            let table = Table::new().await;
            let plan = yearly();
            prop_assert_eq!(table.write(&mut before, &plan, 1).await.unwrap(), Committed::Done);
            let fixed = before.clone();
            let mut after = License {
                id: fixed.id, customer: fixed.customer, issued_at: fixed.issued_at, product: fixed.product,
                fingerprint_kind: fixed.fingerprint_kind, ..to
            };
            after.version = before.version.wrapping_add(1);
            let event = crate::support::entry(&before, marque_core::What::ChangeWithdrawn, 9);
            after.head = event.head();
            let plans = Plans { running: &plan, next: Some(&plan) };
            let change =
                Change { before: &before, after: &after, plans_before: plans, plans_after: plans, event: &event };
            let done = table.store.transition(change, Along::NOTHING).await;
            prop_assert_eq!(done.unwrap(), Committed::Done);
            prop_assert_eq!(&table.read(before.id).await, &after);
            Ok(())
        })?;
    }

    #[test]
    fn a_plan_is_read_as_it_was_written(plan in any_plan(), name in any_slug(), revision in 1..u32::MAX) {
        block_on(async {
            let table = Table::new().await;
            let product = slug(PRODUCT);
            let offer = Offer { reference: PlanRef { plan: name, revision: 1 }, plan };
            prop_assert_eq!(table.store.add_plan_revision(&product, &offer, Along::NOTHING).await.unwrap(), Committed::Done);
            let newest = table.store.plan(&product, &offer.reference.plan).await.unwrap();
            prop_assert_eq!(newest.as_ref(), Some(&offer));
            let read = table.store.plan_revision(&product, &offer.reference).await.unwrap();
            prop_assert_eq!(read.as_ref(), Some(&offer));
            let missing = PlanRef { revision: revision.max(2), ..offer.reference.clone() };
            prop_assert_eq!(table.store.plan_revision(&product, &missing).await.unwrap(), None);
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn revisions_of_a_plan_follow_one_another() {
    let table = Table::new().await;
    let product = slug(PRODUCT);
    let offer = |revision| Offer { reference: PlanRef { plan: slug("yearly"), revision }, plan: yearly() };
    for (revision, expected) in [
        (2, Committed::Overtaken),
        (1, Committed::Done),
        (1, Committed::Overtaken),
        (3, Committed::Overtaken),
        (2, Committed::Done),
        (1, Committed::Overtaken),
        (3, Committed::Done),
    ] {
        assert_eq!(
            table.store.add_plan_revision(&product, &offer(revision), Along::NOTHING).await.unwrap(),
            expected,
            "{revision}"
        );
    }
    assert_eq!(table.store.plan(&product, &slug("yearly")).await.unwrap(), Some(offer(3)));
    assert_eq!(table.store.plan_revision(&product, &offer(1).reference).await.unwrap(), Some(offer(1)));
}

#[tokio::test(start_paused = true)]
async fn look_ups_answer_none_and_lists_page() {
    let table = Table::new().await;
    let unknown = crate::support::license(&yearly(), 9);
    assert_eq!(table.store.license(unknown.id).await.unwrap(), None);
    assert_eq!(table.store.code_of(&unknown).await.unwrap(), None);
    assert_eq!(table.store.license_by_code(&[0; 32]).await.unwrap(), None);
    assert_eq!(table.store.customer(unknown.customer).await.unwrap(), None);
    assert_eq!(table.store.product(&slug("none")).await.unwrap(), None);
    assert_eq!(table.store.file(unknown.id, &FingerprintValue([0; 32])).await.unwrap(), None);
    let none = table.store.revocations().await.unwrap();
    assert_eq!((none.seq, none.revoked.len()), (1, 0));
    table.store.ping().await.unwrap();
    assert_eq!(table.store.table_faults().await.unwrap(), []);
    table.store.create_table().await.unwrap();

    let mut ids = BTreeMap::new();
    for number in 1..=5 {
        let license = table.issue(&yearly(), number).await;
        ids.insert(license.id, number);
        assert_eq!(table.store.code_of(&license).await.unwrap(), Some(crate::support::code(number)));
        let found = table.store.license_by_code(&crate::support::code(number).digest()).await.unwrap();
        assert_eq!(found, Some(license.id));
    }
    let customer = unknown.customer;
    let first = table.store.licenses_of(customer, None, 2).await.unwrap();
    let rest = table.store.licenses_of(customer, first.last().copied(), 10).await.unwrap();
    assert_eq!([first, rest].concat(), ids.into_keys().collect::<Vec<_>>());

    let person = Customer {
        id: customer,
        name: "Ada Lovelace".parse().unwrap(),
        company: "Acme".parse().unwrap(),
        email: "ada@example.com".parse().unwrap(),
        language: Language::English,
    };
    assert_eq!(table.store.add_customer(&person, Along::NOTHING).await.unwrap(), Committed::Done);
    assert_eq!(table.store.add_customer(&person, Along::NOTHING).await.unwrap(), Committed::Overtaken);
    assert_eq!(table.store.customer(customer).await.unwrap(), Some(person));
    let product = Product {
        slug: slug(PRODUCT),
        name: "AD API".to_owned(),
        fingerprint_kind: FingerprintKind::Custom,
        marketplace: listings(),
        usage_retention: "P730D".parse().unwrap(),
    };
    table.store.put_product(&product).await.unwrap();
    assert_eq!(table.store.product(&product.slug).await.unwrap(), Some(product));
}

/// One of each.
fn listings() -> Vec<Listing> {
    let dimension = |name: &str, effect| Dimension { name: name.parse().unwrap(), effect };
    let metered = |unit, included| Effect::Metered { unit, included };
    let listing = Listing {
        cloud: Cloud::Aws,
        claim: "6x4lhjq1fhzrhsnv6hkhlqr0w".parse().unwrap(),
        mode: Mode::Saas,
        plan: slug("saas"),
        entity_id: Some("prod-abcdefghijklm".parse().unwrap()),
        provisional: true,
        accept_token: false,
        dimensions: vec![
            dimension("yearly", Effect::Plan),
            dimension("servers", Effect::Limit),
            dimension("requests", metered(Unit::Decimal, Included::PerHour)),
            dimension("users", metered(Unit::Integral, Included::None)),
        ],
    };
    let other = Listing { cloud: Cloud::Oci, accept_token: true, entity_id: None, mode: Mode::Byol, ..listing.clone() };
    vec![listing, other]
}

#[tokio::test]
async fn the_list_of_revocations_holds_what_it_says_and_no_more() {
    let table = Table::new().await;
    let entry = |number: u32| {
        let mut random = [0; 10];
        random[..4].copy_from_slice(&number.to_be_bytes());
        let subject = match number % 2 {
            0 => Subject::License(LicenseId::new(Timestamp::EPOCH, random)),
            _ => Subject::Token(TokenId::new(Timestamp::EPOCH, random)),
        };
        let reason = ["revoked", "moved", "replaced"][number as usize % 3].to_owned();
        Revoked { subject, at: Timestamp::from_unix(1_800_000_000 + i64::from(number)).unwrap(), reason }
    };
    let most = u32::try_from(MAX_REVOKED).unwrap();
    // All but the last two at once, as they lie in the item when they have come one by one.
    let bytes = |number: u32| {
        let entry = entry(number);
        let (kind, id) = match entry.subject {
            Subject::License(id) => (b'l', id.to_bytes()),
            Subject::Token(id) => (b't', id.to_bytes()),
        };
        let at = u32::try_from(entry.at.unix()).unwrap();
        [&[kind, u8::try_from(number % 3).unwrap()], id.as_slice(), &at.to_be_bytes()].concat()
    };
    let entries: Vec<u8> = (0..most - 2).flat_map(bytes).collect();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = [
        ("pk", text("REVOCATIONS")),
        ("sk", text("LIST")),
        ("seq", AttributeValue::N("17999".to_owned())),
        ("entries", AttributeValue::B(entries.into())),
    ];
    table.put(item.map(|(name, value)| (name.to_owned(), value)).into()).await;
    for number in most - 2..most {
        let mut along = Along::default();
        let seen = table.store.revocations().await.unwrap();
        along.revoke(&seen, entry(number)).unwrap();
        assert_eq!(table.store.keep(&along).await.unwrap(), Committed::Done);
        assert_eq!(table.store.keep(&along).await.unwrap(), Committed::Overtaken, "read before it was changed");
    }
    let full = table.store.revocations().await.unwrap();
    assert_eq!(full.revoked, (0..most).map(entry).collect::<Vec<_>>());
    assert!(matches!(Along::default().revoke(&full, entry(most)), Err(StoreError::Full { .. })));
    Along::default().revoke(&full, entry(0)).unwrap();
}
