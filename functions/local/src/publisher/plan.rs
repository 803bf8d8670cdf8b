//! `marque plan`.

use serde_json::{Value, json};

use super::product::revised;
use super::{Done, end, given, show, told};
use crate::admin::{Admin, Failure};
use crate::cli::{Plan, PlanCommand, PlanMembers};
use crate::output::{self, Answer, Outcome, Unusable};

/// The members of a plan, in the order in which they are told.
const MEMBERS: [&str; 13] = [
    "name",
    "kind",
    "term",
    "starts",
    "grace",
    "lease",
    "activations",
    "rebinds_per_year",
    "sale",
    "features",
    "trials_per_person",
    "discount_max",
    "reminders",
];

pub(crate) fn run(options: &Plan) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Plan) -> Done {
    let json = options.publisher.json;
    match &options.command {
        PlanCommand::Show { product, plan } => {
            let found = admin.get(&format!("/products/{product}/plans/{plan}"))?;
            if json {
                output::json(&found);
            } else {
                show::record(&found, &MEMBERS);
            }
            Ok(Outcome::Good)
        }
        PlanCommand::Set { product, plan, members } => {
            let path = format!("/products/{product}/plans/{plan}");
            let kind = members.kind.as_deref().unwrap_or_default();
            let put = admin.put(&path, &revised(admin, &path, &MEMBERS, new_plan(kind), body(members)?)?)?;
            Ok(told(json, &put, || format!("{product}/{plan} is at revision {}", show::member(&put, "revision"))))
        }
    }
}

/// What a new plan starts from, as the help says.
fn new_plan(kind: &str) -> Value {
    json!({
        "term": null, "starts": "issue", "grace": if kind == "subscription" { "P14D" } else { "P0D" }, "lease": "P14D",
        "activations": 1, "rebinds_per_year": 3, "sale": "sellable", "features": {}, "discount_max": 0, "reminders": [],
    })
}

fn body(members: &PlanMembers) -> Result<Value, Failure> {
    let features = members.features.as_deref().map(serde_json::from_str::<Value>).transpose();
    let features = features.map_err(|error| Unusable::new(format!("--features must be a JSON object: {error}")))?;
    let mut body = given(json!({
        "name": members.name,
        "kind": members.kind,
        "term": members.term,
        "starts": members.starts,
        "grace": members.grace,
        "lease": members.lease,
        "activations": members.activations,
        "rebinds_per_year": members.rebinds_per_year,
        "sale": members.sale,
        "features": features,
        "trials_per_person": members.trials_per_person,
        "discount_max": members.discount_max,
        "reminders": members.reminders,
    }));
    if members.term.as_deref() == Some("none") {
        body["term"] = Value::Null;
    }
    Ok(body)
}
