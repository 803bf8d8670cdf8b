//! A function may do what it does, and nothing else: its role in infra/template.yaml against the calls of its suite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use marque_tests::aws::Call;
use marque_tests::seller::Storefront;
use serde_yaml_ng::Value;

use crate::buyer::{self, Buyer};
use crate::customers_life;
use crate::daily_check;
use crate::place::Place;
use crate::{register, selling, sweep};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml");
/// Lambda itself calls these in the function's name; the function never does.
const OF_LAMBDA: [&str; 3] = ["logs:", "sqs:", "xray:"];
/// What roles grant for agreements: the suites of `admin` and `sweep` know none, and `selling` holds it.
const OF_AGREEMENTS: [&str; 13] = [
    "AskAsTheSeller",
    "CountUsageAndReplayHours",
    "DropTheLinked",
    "FindAgreements",
    "FindHoursOfUsage",
    "FollowAndJoin",
    "JoinAgreements",
    "LinkAgreements",
    "ListAgreements",
    "MendAgreements",
    "ReadAgreements",
    "RemoveEventsThatWaited",
    "TakeTheComparison",
];

/// One statement that allows something.
#[derive(Debug)]
struct Grant {
    name: String,
    actions: BTreeSet<String>,
    /// The indexes that its resources name; none grants the table itself.
    indexes: BTreeSet<String>,
    /// `dynamodb:LeadingKeys`; empty grants every item.
    leading_keys: Vec<String>,
    /// `dynamodb:EnclosingOperation`; empty grants it anywhere.
    within: Vec<String>,
}

impl Grant {
    fn read(statement: &Value) -> Self {
        let conditions: Vec<_> =
            statement["Condition"].as_mapping().into_iter().flatten().map(|(_, keys)| keys).collect();
        let condition = |name: &str| conditions.iter().flat_map(|keys| texts(&keys[name])).collect();
        Self {
            name: statement["Sid"].as_str().unwrap_or_default().to_owned(),
            actions: texts(&statement["Action"]).into_iter().collect(),
            indexes: all_texts(&statement["Resource"]).iter().filter_map(|text| index(text)).collect(),
            leading_keys: condition("dynamodb:LeadingKeys"),
            within: condition("dynamodb:EnclosingOperation"),
        }
    }

    fn allows(&self, call: &Call) -> bool {
        let key = call.key.as_deref().unwrap_or_default();
        self.actions.contains(&call.to_string())
            && call.index.as_ref().map_or(self.indexes.is_empty(), |index| self.indexes.contains(index))
            && (self.leading_keys.is_empty() || self.leading_keys.iter().any(|pattern| matches(pattern, key)))
            && (self.within.is_empty()
                || call.within.is_some_and(|within| self.within.iter().any(|known| known == within)))
    }
}

/// A text or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    let list = value.as_sequence().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The texts anywhere in a value, whatever decides between them.
fn all_texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(all_texts).collect(),
        Value::Tagged(tagged) => all_texts(&tagged.value),
        _ => Vec::new(),
    }
}

fn index(resource: &str) -> Option<String> {
    resource.split_once("/index/").map(|(_, name)| name.to_owned())
}

fn matches(pattern: &str, key: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == key, |start| key.starts_with(start))
}

/// What the role of a function grants.
fn grants(role: &str) -> Vec<Grant> {
    let text = std::fs::read_to_string(TEMPLATE).unwrap_or_else(|error| panic!("{TEMPLATE} is not there: {error}"));
    let template: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let policies = template["Resources"][role]["Properties"]["Policies"].as_sequence();
    let policies = policies.unwrap_or_else(|| panic!("Resources.{role}.Properties.Policies is missing in {TEMPLATE}"));
    // Those that a condition adds stand beside the role; any of them may be deployed.
    let resources = template["Resources"].as_mapping().expect("resources");
    let added = resources.values().map(|resource| &resource["Properties"]).filter(
        |properties| matches!(&properties["RoleName"], Value::Tagged(name) if name.tag == "Ref" && name.value == role),
    );
    let statements = policies
        .iter()
        .chain(added)
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().expect("a list of statements").iter());
    statements.map(Grant::read).collect()
}

#[test]
fn validate_calls_what_its_role_grants_and_nothing_else() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let place = Place::ShippedFunction(Arc::clone(&calls));
    daily_check::CHECKS.iter().for_each(|check| check(&place));
    let calls: BTreeSet<Call> = calls.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
    hold("ValidateRole", &calls);
}

#[test]
fn admin_calls_what_its_role_grants_and_nothing_else() {
    hold("AdminRole", &customers_life::calls_of_admin());
}

/// Selling by ourselves, and by a role in another account: nothing that the functions call is denied to them.
#[test]
fn the_functions_of_aws_marketplace_call_nothing_but_what_their_roles_grant() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut calls: BTreeMap<&str, BTreeSet<Call>> = BTreeMap::new();
    for by_role in [false, true] {
        let buyer = buyer::a_year(Buyer::shipped(Storefront::start(by_role)), folder.path());
        let buyer = selling::CHECKS.iter().fold(buyer, |buyer, check| check(buyer));
        let aws = &buyer.storefront().deployment.aws;
        for name in ["marketplace", "events", "sweep", "admin"] {
            calls.entry(name).or_default().extend(aws.calls_of(name));
        }
    }
    let roles =
        [("marketplace", "MarketplaceRole"), ("events", "EventsRole"), ("sweep", "SweepRole"), ("admin", "AdminRole")];
    for (name, role) in roles {
        assert!(!calls[name].is_empty(), "{name} calls nothing");
        suffices(role, &grants(role), &calls[name]);
    }
}

#[test]
fn register_calls_what_its_role_grants_and_nothing_else() {
    hold("RegisterRole", &register::calls());
}

#[test]
fn sweep_calls_what_its_role_grants_and_nothing_else() {
    hold("SweepRole", &sweep::calls());
}

/// Whatever is called is granted.
fn suffices(role: &str, grants: &[Grant], calls: &BTreeSet<Call>) {
    let denied: Vec<_> = calls.iter().filter(|call| !grants.iter().any(|grant| grant.allows(call))).collect();
    assert!(denied.is_empty(), "{role} lacks what the function calls: {denied:#?}");
}

/// Whatever is called is granted, and nothing else is.
fn hold(role: &str, calls: &BTreeSet<Call>) {
    let mut grants = grants(role);
    suffices(role, &grants, calls);
    grants.retain(|grant| !OF_AGREEMENTS.contains(&grant.name.as_str()));

    let held = |call: &&Call| grants.iter().any(|grant| grant.allows(call));
    let called: BTreeSet<String> = calls.iter().filter(held).map(Call::to_string).collect();
    let granted: BTreeSet<String> = grants
        .iter()
        .flat_map(|grant| grant.actions.iter().cloned())
        .filter(|action| !OF_LAMBDA.iter().any(|service| action.starts_with(service)))
        .collect();
    assert_eq!(granted, called, "granted, and called");

    let uses = |grant: &Grant, pattern: &str| {
        calls.iter().any(|call| grant.allows(call) && call.key.as_deref().is_some_and(|key| matches(pattern, key)))
    };
    let idle: Vec<_> = grants
        .iter()
        .flat_map(|grant| {
            grant.leading_keys.iter().filter(|pattern| !uses(grant, pattern)).map(|pattern| (&grant.actions, pattern))
        })
        .collect();
    assert!(idle.is_empty(), "the role grants items that are never touched: {idle:?}");
}
