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
use crate::{metering, register, selling, sweep};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml");
/// Functions, and their roles.
const ROLES: [(&str, &str); 7] = [
    ("validate", "ValidateRole"),
    ("register", "RegisterRole"),
    ("admin", "AdminRole"),
    ("sweep", "SweepRole"),
    ("marketplace", "MarketplaceRole"),
    ("events", "EventsRole"),
    ("meter", "MeterRole"),
];
/// Lambda itself calls these in the function's name; the function never does.
const OF_LAMBDA: [&str; 3] = ["logs:", "sqs:", "xray:"];
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
fn each_function_calls_what_its_role_grants_and_nothing_else() {
    let mut calls = sold();
    let (checks, desk, machines, runs) = std::thread::scope(|scope| {
        let checks = scope.spawn(checked);
        let desk = scope.spawn(customers_life::calls_of_admin);
        let machines = scope.spawn(register::calls);
        let runs = sweep::calls();
        (checks.join().expect("checks"), desk.join().expect("a desk"), machines.join().expect("machines"), runs)
    });
    for (name, more) in [("validate", checks), ("admin", desk), ("register", machines), ("sweep", runs)] {
        calls.entry(name).or_default().extend(more);
    }
    let mut faults = Vec::new();
    for (name, role) in ROLES {
        assert!(!calls[name].is_empty(), "{name} calls nothing");
        faults.extend(compare(role, &grants(role), &calls[name]));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What the daily checks of servers call.
fn checked() -> BTreeSet<Call> {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let place = Place::ShippedFunction(Arc::clone(&calls));
    daily_check::CHECKS.iter().for_each(|check| check(&place));
    calls.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// What selling calls, by ourselves and by a role in another account.
fn sold() -> BTreeMap<&'static str, BTreeSet<Call>> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut calls: BTreeMap<&str, BTreeSet<Call>> = BTreeMap::new();
    for by_role in [false, true] {
        let buyer = buyer::a_year(Buyer::shipped(Storefront::start(by_role)), folder.path());
        let buyer = selling::CHECKS.iter().fold(buyer, |buyer, check| check(buyer));
        let buyer = metering::a_days_usage(buyer);
        for (name, _) in ROLES {
            calls.entry(name).or_default().extend(buyer.storefront().deployment.aws.calls_of(name));
        }
    }
    calls
}

/// What a role lacks, and what it grants in vain.
fn compare(role: &str, grants: &[Grant], calls: &BTreeSet<Call>) -> Vec<String> {
    let lacking = calls.iter().filter(|call| !grants.iter().any(|grant| grant.allows(call)));
    let lacking = lacking.map(|call| format!("{role} lacks {call:?}"));
    let idle = grants.iter().flat_map(|grant| {
        let used = |action: &str| calls.iter().any(|call| grant.allows(call) && call.to_string() == action);
        let idle = grant
            .actions
            .iter()
            .filter(move |action| !OF_LAMBDA.iter().any(|service| action.starts_with(service)) && !used(action));
        let touched = |pattern: &str| {
            let mut uses = calls.iter().filter(|call| grant.allows(call));
            uses.any(|call| call.key.as_deref().is_some_and(|key| matches(pattern, key)))
        };
        let untouched = grant.leading_keys.iter().filter(move |pattern| !touched(pattern));
        idle.chain(untouched).map(|what| format!("{role} grants {what} in {} in vain", grant.name))
    });
    lacking.chain(idle).collect()
}
