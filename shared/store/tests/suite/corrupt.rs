//! Items that the code cannot have written: each attribute of each item removed, and put in every other type.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use marque_core::event::Head;
use marque_core::usage::Retention;
use marque_core::{Customer, FingerprintKind, Offer, Pending, PlanRef, Product, Standing};
use marque_store::{Along, Committed, StoreError};

use crate::support::{Item, NOW, PRODUCT, Table, code, domain, slug, stamp, time, trial, yearly};

fn others() -> Vec<AttributeValue> {
    let n = |text: &str| AttributeValue::N(text.to_owned());
    vec![
        AttributeValue::S(String::new()),
        AttributeValue::S("☃ 1".to_owned()),
        n("-1"),
        n("0.5"),
        n("99999999999999999999999999999999999999"),
        n("1e120"),
        AttributeValue::B(Blob::new([0; 3])),
        AttributeValue::Bool(true),
        AttributeValue::Null(true),
        AttributeValue::L(vec![AttributeValue::Bool(true)]),
        AttributeValue::M(HashMap::from([("x".to_owned(), n("1"))])),
        AttributeValue::Ss(vec!["x".to_owned()]),
    ]
}

type Path = Vec<String>;

/// Where every attribute is, those inside of maps too; keys left out.
fn paths(item: &Item) -> Vec<Path> {
    let mut found = Vec::new();
    for (name, value) in item.iter().filter(|(name, _)| *name != "pk" && *name != "sk") {
        found.push(vec![name.clone()]);
        if let AttributeValue::M(inner) = value {
            found.extend(paths(inner).into_iter().map(|path| [vec![name.clone()], path].concat()));
        }
    }
    found
}

fn with(item: &Item, path: &[String], value: Option<&AttributeValue>) -> Item {
    let mut changed = item.clone();
    match (path, value) {
        ([name], Some(value)) => drop(changed.insert(name.clone(), value.clone())),
        ([name], None) => drop(changed.remove(name)),
        ([name, rest @ ..], _) => {
            let inner = with(item[name].as_m().unwrap(), rest, value);
            changed.insert(name.clone(), AttributeValue::M(inner));
        }
        ([], _) => {}
    }
    changed
}

/// Breaks the item in every way. A reading answers, or says corrupt and where; `read` tells which. The attributes whose
/// absence is a fact of its own, and not a fault.
async fn broken(
    table: &Table,
    pk: &str,
    sk: &str,
    read: impl AsyncFn(&Table) -> Result<(), StoreError>,
) -> BTreeSet<String> {
    let whole = table.item(pk, sk).await.unwrap();
    read(table).await.unwrap();
    let mut optional = BTreeSet::new();
    for path in paths(&whole) {
        table.put(with(&whole, &path, None)).await;
        match read(table).await {
            Ok(()) => drop(optional.insert(path.last().unwrap().clone())),
            Err(error) => assert_corrupt(&error, pk, sk, &path),
        }
        for value in others() {
            table.put(with(&whole, &path, Some(&value))).await;
            if let Err(error) = read(table).await {
                assert_corrupt(&error, pk, sk, &path);
            }
        }
    }
    table.put(whole).await;
    read(table).await.unwrap();
    optional
}

fn assert_corrupt(error: &StoreError, pk: &str, sk: &str, path: &[String]) {
    let StoreError::Corrupt { item, fault } = error else { panic!("{path:?}: {error:?}") };
    assert_eq!(*item, format!("{pk}/{sk}"), "{path:?}");
    assert!(!fault.is_empty());
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_licences_item() {
    let plan = yearly();
    let table = Table::new().await;
    let mut license = crate::support::license(&plan, 1);
    license.standing = Standing::Suspended { since: time(NOW) };
    license.next = Some(license.running.clone());
    license.pending = Pending::Change(slug("monthly"));
    license.bindings.rebinds = vec![time(NOW)];
    assert_eq!(table.write(&mut license, &plan, 1).await.unwrap(), Committed::Done);
    table.bind(&license, &plan, 1).await;
    let pk = format!("LICENSE#{}", license.id);
    // A stamp is refused while suspended, so what it leaves is written here.
    let mut item = table.item(&pk, "LICENSE").await.unwrap();
    let AttributeValue::M(bound) = item.get_mut("a").unwrap() else { panic!() };
    let AttributeValue::M(seen) = bound.values_mut().next().unwrap() else { panic!() };
    let token = |number| AttributeValue::S(crate::support::token(number).to_string());
    seen.extend([
        ("s".to_owned(), AttributeValue::N("1800000000".to_owned())),
        ("n".to_owned(), AttributeValue::B(Blob::new([1; 16]))),
        ("v".to_owned(), AttributeValue::S("1.0".to_owned())),
        ("j".to_owned(), token(1)),
        ("l".to_owned(), token(2)),
        ("k".to_owned(), AttributeValue::B(Blob::new([1; 32]))),
        ("f".to_owned(), AttributeValue::N("2".to_owned())),
        ("d".to_owned(), token(3)),
    ]);
    table.put(item).await;

    let id = license.id;
    let optional = broken(&table, &pk, "LICENSE", async |table| table.store.license(id).await.map(drop)).await;
    let fingerprint = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    // `ss`: not suspended; `n`, `w`: no next term, nothing pending; inside an activation: no version, lease before,
    // key, forks, file; inside of the bindings: none of them. `n` of an activation is not: seen by halves.
    assert_eq!(optional, set(&["ss", "n", "w", fingerprint, "v", "l", "k", "f", "d", "r", "c"]));
}

/// Whatever an item is, a check of it answers or fails, and does not panic.
#[tokio::test]
async fn a_check_of_a_broken_item_is_no_panic() {
    let (table, license) = Table::bound(&yearly()).await;
    table.check(stamp(&license, &domain(1), 1)).await;
    let whole = table.license_item(license.id).await;
    // DynamoDB itself takes nothing but texts for the keys of an index.
    for path in paths(&whole).into_iter().filter(|path| !path[0].starts_with("due_")) {
        for value in others().iter().map(Some).chain([None]) {
            table.put(with(&whole, &path, value)).await;
            if let Err(error) = table.store.check_in(stamp(&license, &domain(1), 2)).await {
                assert!(
                    matches!(error, StoreError::Corrupt { .. } | StoreError::Unavailable(_)),
                    "{path:?}: {error:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_activations_key_that_is_no_fingerprint() {
    let (table, license) = Table::bound(&yearly()).await;
    for key in ["", "x", "AQEB", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF", &"A".repeat(44)] {
        let mut item = table.license_item(license.id).await;
        let mut bound = item["a"].as_m().unwrap().clone();
        let activation = bound.values().next().unwrap().clone();
        bound.insert(key.to_owned(), activation);
        item.insert("a".to_owned(), AttributeValue::M(bound));
        if key.is_empty() {
            // DynamoDB has no empty names.
            continue;
        }
        let whole = table.license_item(license.id).await;
        table.put(item).await;
        let error = table.store.license(license.id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{key}: {error:?}");
        table.put(whole).await;
    }
}

#[tokio::test]
async fn an_entry_of_a_history() {
    let (table, license) = Table::bound(&yearly()).await;
    let (pk, id) = (format!("LICENSE#{}", license.id), license.id);
    let read = async |table: &Table| table.store.history(id, Head::START, 1).await.map(drop);
    assert_eq!(broken(&table, &pk, "EVENT#0000000001", read).await, set(&[]));
}

#[tokio::test]
async fn codes_files_and_look_ups() {
    let plan = trial();
    let (table, license) = Table::bound(&plan).await;
    assert_eq!(table.keep_file(&license, &plan, 1, 1).await.unwrap(), Committed::Done);
    let pk = format!("LICENSE#{}", license.id);
    let read = async |table: &Table| table.store.code_of(&license).await.map(drop);
    let owned = format!("CUSTOMER#{}", license.customer);
    assert_eq!(broken(&table, &owned, &pk, read).await, set(&[]));
    let items = table.items().await;
    let keys = |sk: &str| {
        let item = items.iter().find(|item| item["sk"].as_s().unwrap().starts_with(sk)).unwrap();
        (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone())
    };
    let (pk, sk) = keys("FILE#");
    let read = async |table: &Table| table.store.file(license.id, &domain(1)).await.map(drop);
    assert_eq!(broken(&table, &pk, &sk, read).await, set(&[]));
    let (pk, sk) = keys("ACTIVATION");
    let activation = license.activations[&domain(1)].id;
    let read = async |table: &Table| table.store.license_of_activation(activation).await.map(drop);
    assert_eq!(broken(&table, &pk, &sk, read).await, set(&[]));
    let (pk, sk) = keys("TRIAL");
    let read = async |table: &Table| table.store.trial_in(&license.product, &domain(1)).await.map(drop);
    assert_eq!(broken(&table, &pk, &sk, read).await, set(&[]));
    let by_digest = items.iter().find(|item| item["pk"].as_s().unwrap().starts_with("CODE#")).unwrap();
    let read = async |table: &Table| table.store.license_by_code(&code(1).digest()).await.map(drop);
    assert_eq!(broken(&table, by_digest["pk"].as_s().unwrap(), "CODE", read).await, set(&[]));
}

#[tokio::test]
async fn products_plans_and_customers() {
    let table = Table::new().await;
    let product = slug(PRODUCT);
    let shown = Product {
        slug: product.clone(),
        name: "AD API".to_owned(),
        fingerprint_kind: FingerprintKind::AdDomain,
        marketplace: Vec::new(),
        usage_retention: Retention::default(),
    };
    table.store.put_product(&shown).await.unwrap();
    let pk = format!("PRODUCT#{PRODUCT}");
    let read = async |table: &Table| table.store.product(&product).await.map(drop);
    assert_eq!(broken(&table, &pk, "PRODUCT", read).await, set(&["marketplace"]));

    let mut plan = trial();
    plan.trials_per_person = Some(2);
    let reference = PlanRef { plan: slug("trial"), revision: 1 };
    let offer = Offer { reference: reference.clone(), plan };
    assert_eq!(table.store.add_plan_revision(&product, &offer, Along::NOTHING).await.unwrap(), Committed::Done);
    let read = async |table: &Table| table.store.plan(&product, &reference.plan).await.map(drop);
    assert_eq!(broken(&table, &pk, "PLAN#trial", read).await, set(&["trials_per_person"]));

    let customer = Customer {
        id: crate::support::license(&yearly(), 1).customer,
        name: "Ada".parse().unwrap(),
        company: "Acme".parse().unwrap(),
        email: "ada@example.com".parse().unwrap(),
        language: marque_core::Language::English,
    };
    assert_eq!(table.store.add_customer(&customer, Along::NOTHING).await.unwrap(), Committed::Done);
    let read = async |table: &Table| table.store.customer(customer.id).await.map(drop);
    assert_eq!(broken(&table, &format!("CUSTOMER#{}", customer.id), "CUSTOMER", read).await, set(&["language"]));
}

#[tokio::test]
async fn values_that_no_plan_has() {
    let table = Table::new().await;
    let product = slug(PRODUCT);
    let reference = PlanRef { plan: slug("plan"), revision: 1 };
    let offer = Offer { reference: reference.clone(), plan: yearly() };
    assert_eq!(table.store.add_plan_revision(&product, &offer, Along::NOTHING).await.unwrap(), Committed::Done);
    let whole = table.item(&format!("PRODUCT#{PRODUCT}"), "PLAN#plan").await.unwrap();
    let number = |text: &str| AttributeValue::N(text.to_owned());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (name, value) in [
        ("activations", number("0")),
        ("activations", number("9")),
        ("discount_max", number("51")),
        ("features", text("[]")),
        ("features", text("{")),
        ("kind", text("lifetime")),
        ("term", text("P0D")),
        ("starts", text("never")),
        ("sale", text("gone")),
    ] {
        table.put(with(&whole, &[name.to_owned()], Some(&value))).await;
        let error = table.store.plan(&product, &reference.plan).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn the_list_of_revocations() {
    let table = Table::new().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let entry = [&b"t\x01"[..], &crate::support::token(1).to_bytes(), &[0; 4]].concat();
    table
        .put(HashMap::from([
            ("pk".to_owned(), text("REVOCATIONS")),
            ("sk".to_owned(), text("LIST")),
            ("seq".to_owned(), AttributeValue::N("3".to_owned())),
            ("entries".to_owned(), AttributeValue::B(entry.into())),
        ]))
        .await;
    assert_eq!(table.store.revocations().await.unwrap().revoked.len(), 1);
    let read = async |table: &Table| table.store.revocations().await.map(drop);
    assert_eq!(broken(&table, "REVOCATIONS", "LIST", read).await, set(&[]));
}
