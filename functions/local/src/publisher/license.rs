//! `marque licence`.

use std::path::Path;

use marque_core::{FingerprintValue, LicenseId};
use serde_json::{Value, json};

use super::{Done, audit, end, given, show, told};
use crate::admin::{Admin, Failure, query};
use crate::cli::{Licence, LicenceCommand};
use crate::output::{self, Answer, Outcome};

/// The members of a licence, in the order in which they are told.
const MEMBERS: [&str; 15] = [
    "id",
    "code",
    "customer_id",
    "product",
    "plan",
    "plan_revision",
    "kind",
    "state",
    "issued_at",
    "starts_at",
    "paid_through",
    "grace_until",
    "next_plan",
    "pending",
    "activations",
];

pub(crate) fn run(options: &Licence) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Licence) -> Done {
    let json = options.publisher.json;
    let act = |licence: &LicenseId, action: &str, body: Value| {
        let changed = admin.post(&format!("/licenses/{licence}/{action}"), &given(body))?;
        Ok(told(json, &changed, || standing(licence, &changed)))
    };
    match &options.command {
        LicenceCommand::Issue { product, plan, customer, discount, starts_at } => {
            let body = json!({
                "product": product, "plan": plan, "customer_id": customer, "discount_id": discount, "starts_at": starts_at,
            });
            let issued = admin.post("/licenses", &given(body))?;
            show_one(&issued, json);
        }
        LicenceCommand::List { of } => {
            let path = match (&of.customer, &of.month, &of.email) {
                (Some(customer), ..) => format!("/licenses?customer_id={customer}"),
                (_, Some(month), _) => format!("/licenses?month={}", query(month)),
                (.., email) => format!("/licenses?email={}", query(email.as_deref().unwrap_or_default())),
            };
            list(admin, &path, json)?;
        }
        LicenceCommand::Show { licence } => show_one(&admin.get(&format!("/licenses/{licence}"))?, json),
        LicenceCommand::Renew { licence, periods, discount } => {
            return act(licence, "renew", json!({"n": periods, "discount_id": discount}));
        }
        LicenceCommand::ChangePlan { licence, plan, discount } => {
            return act(licence, "change-plan", json!({"plan": plan, "discount_id": discount}));
        }
        LicenceCommand::WithdrawChange { licence } => return act(licence, "withdraw-change", json!({})),
        LicenceCommand::Cancel { licence, reason } => return act(licence, "cancel", json!({"reason": reason})),
        LicenceCommand::Suspend { licence, reason } => return act(licence, "suspend", json!({"reason": reason})),
        LicenceCommand::Reinstate { licence, reason, consume } => {
            return act(licence, "reinstate", json!({"reason": reason, "consume": consume.then_some(true)}));
        }
        LicenceCommand::Revoke { licence, reason } => return act(licence, "revoke", json!({"reason": reason})),
        LicenceCommand::Extend { licence, days, reason } => {
            return act(licence, "extend", json!({"days": days, "reason": reason}));
        }
        LicenceCommand::Release { licence, activation, reason } => {
            return act(licence, "release", json!({"activation_id": activation, "reason": reason}));
        }
        LicenceCommand::File { licence, fingerprint, out } => {
            return file(admin, *licence, fingerprint.as_ref(), out, json);
        }
        LicenceCommand::Log { licence } => return audit::log(admin, *licence, json),
    }
    Ok(Outcome::Good)
}

fn show_one(licence: &Value, json: bool) {
    if json {
        output::json(licence);
    } else {
        show::record(licence, &MEMBERS);
    }
}

fn list(admin: &Admin, path: &str, json: bool) -> Result<(), Failure> {
    let licences = admin.list(path).collect::<Result<Vec<_>, _>>()?;
    if json {
        output::json(&json!({"items": licences}));
        return Ok(());
    }
    let columns = [
        ("licence", "id"),
        ("plan", "plan"),
        ("state", "state"),
        ("paid through", "paid_through"),
        ("product", "product"),
        ("customer", "customer_id"),
    ];
    show::list(&licences, columns, 4);
    Ok(())
}

/// How a licence stands after a change, in a sentence.
fn standing(licence: &LicenseId, changed: &Value) -> String {
    let [state, plan] = ["state", "plan"].map(|name| show::member(changed, name));
    let paid = match changed["paid_through"].as_str() {
        Some(until) => format!(", paid through {}", output::plain(until)),
        None => String::new(),
    };
    let then = match changed["pending"]["plan"].as_str() {
        Some(plan) => format!(", {} when it is renewed", output::plain(plan)),
        None => String::new(),
    };
    format!("{licence} is {state}: {plan}{paid}{then}")
}

fn file(admin: &Admin, licence: LicenseId, domain: Option<&FingerprintValue>, out: &Path, json: bool) -> Done {
    let path = format!("/licenses/{licence}/file");
    let body = match domain {
        None => json!({}),
        Some(value) => json!({"fingerprint": {"kind": fingerprint_kind(admin, licence)?, "value": value}}),
    };
    let file = admin.post_text(&path, &body)?;
    if out == Path::new("-") {
        output::raw(&file)?;
        return Ok(Outcome::Good);
    }
    output::write_private(out, file.as_bytes())?;
    Ok(told(json, &json!({"license_id": licence, "file": out}), || {
        format!("{} is written. Whoever gets it can verify it: `marque verify {0} --keys …`", out.display())
    }))
}

/// The kind of fingerprint that the licence's product wants: people are given the 64 digits alone.
fn fingerprint_kind(admin: &Admin, licence: LicenseId) -> Result<Value, Failure> {
    let licence = admin.get(&format!("/licenses/{licence}"))?;
    let product = licence["product"].as_str().unwrap_or_default();
    Ok(admin.get(&format!("/products/{}", query(product)))?["fingerprint_kind"].clone())
}
