//! `marque customer`.

use marque_core::CustomerId;
use serde_json::{Value, json};

use super::{Done, end, given, show, told};
use crate::admin::{Admin, Failure, query};
use crate::cli::{Customer, CustomerCommand};
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Customer) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Customer) -> Done {
    let json = options.publisher.json;
    match &options.command {
        CustomerCommand::Add { name, company, email, language } => {
            let body = json!({"name": name, "company": company, "email": email, "language": language});
            let customer = admin.post("/customers", &given(body))?;
            Ok(told(json, &customer, || {
                let id = show::member(&customer, "id");
                format!("{id} is added. Sell to them: `marque licence issue PRODUCT PLAN --customer {id}`")
            }))
        }
        CustomerCommand::List { email } => list(admin, email.as_deref(), json),
        CustomerCommand::Show { customer } => {
            let customer = admin.get(&format!("/customers/{customer}"))?;
            if json {
                output::json(&customer);
            } else {
                show::record(&customer, &["id", "name", "company", "email", "language"]);
            }
            Ok(Outcome::Good)
        }
        CustomerCommand::Change { customer, name, company, email, language } => {
            let body = given(json!({"name": name, "company": company, "email": email, "language": language}));
            if body == json!({}) {
                return Err(Unusable::new("give what changes: --name, --company, --email or --language").into());
            }
            let changed = admin.patch(&format!("/customers/{customer}"), &body)?;
            Ok(told(json, &changed, || format!("{customer} is changed")))
        }
        CustomerCommand::Discount { customer, kind, percent, note } => {
            let body = json!({"kind": kind, "percent": percent, "note": note});
            let discount = admin.post(&format!("/customers/{customer}/discounts"), &body)?;
            Ok(told(json, &discount, || {
                let [id, until] = ["id", "valid_until"].map(|name| show::member(&discount, name));
                format!(
                    "{percent} % for {customer} until {until}: give --discount {id} when you issue, renew or change"
                )
            }))
        }
        CustomerCommand::Export { customer, out } => {
            let lines = admin.get_text(&format!("/customers/{customer}/export"))?;
            match out {
                Some(file) => {
                    output::write_private(file, lines.as_bytes())?;
                    output::say(format!("all that is known about {customer} is in {}", file.display()));
                }
                None => output::raw(&lines)?,
            }
            Ok(Outcome::Good)
        }
        CustomerCommand::Erase { customer, reason, yes } => erase(admin, *customer, reason, *yes, json),
    }
}

fn list(admin: &Admin, email: Option<&str>, json: bool) -> Done {
    let path = email.map_or_else(|| "/customers".to_owned(), |email| format!("/customers?email={}", query(email)));
    let customers = admin.list(&path).collect::<Result<Vec<_>, _>>()?;
    if json {
        output::json(&json!({"items": customers}));
    } else {
        let columns = [("customer", "id"), ("name", "name"), ("email", "email"), ("company", "company")];
        show::list(&customers, columns, 3);
    }
    Ok(Outcome::Good)
}

fn erase(admin: &Admin, customer: CustomerId, reason: &str, yes: bool, json: bool) -> Done {
    if !yes {
        return Err(Unusable::new(format!(
            "name, company, address and every word about {customer} will be gone for good, here and in no backup of ours. Export \
             them first if they asked for that; then say the same with --yes"
        ))
        .into());
    }
    let answer = admin.post_text(&format!("/customers/{customer}/erase"), &json!({"reason": reason}))?;
    let erased = serde_json::from_str(&answer).unwrap_or(Value::Null);
    Ok(told(json, &erased, || {
        format!("{customer} is erased; their licences and the histories stay, without the person")
    }))
}
