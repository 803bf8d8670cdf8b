//! `marque agreements`.

use serde_json::{Value, json};

use super::{Done, end, show, told};
use crate::admin::{Admin, Failure, query};
use crate::cli::{Agreements, AgreementsCommand};
use crate::output::{self, Answer, Outcome};

pub(crate) fn run(options: &Agreements) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Agreements) -> Done {
    let json = options.publisher.json;
    match &options.command {
        AgreementsCommand::List { external, license } => {
            let path = match (external, license) {
                (Some(id), _) => format!("/agreements?external_id={}", query(id)),
                (None, Some(id)) => format!("/agreements?license_id={id}"),
                (None, None) => "/agreements".to_owned(),
            };
            list(&admin.list(&path).collect::<Result<Vec<_>, _>>()?, json)
        }
        AgreementsCommand::Show { agreement } => {
            let found = admin.get(&format!("/agreements/{agreement}"))?;
            if json {
                output::json(&found);
            } else {
                show::record(&found, &["chain", "product", "customer_id", "license_id", "paid_through", "agreements"]);
            }
            Ok(Outcome::Good)
        }
        AgreementsCommand::Link { agreement, to, reason } => {
            let body = json!({"to": to, "reason": reason});
            let linked = admin.post(&format!("/agreements/{agreement}/link"), &body)?;
            Ok(told(json, &linked, || format!("{agreement} belongs to {} now", show::member(&linked, "chain"))))
        }
    }
}

/// A line for each chain, by the agreement that counts.
fn list(chains: &[Value], json: bool) -> Done {
    if json {
        output::json(&json!({"items": chains}));
        return Ok(Outcome::Good);
    }
    let rows: Vec<Value> = chains
        .iter()
        .map(|chain| {
            let current = &chain["agreements"][0];
            json!({
                "id": current["id"], "external_id": current["external_id"], "state": current["state"],
                "product": chain["product"], "license_id": chain["license_id"], "paid_through": chain["paid_through"],
            })
        })
        .collect();
    let columns = [
        ("agreement", "id"),
        ("state", "state"),
        ("licence", "license_id"),
        ("at the cloud", "external_id"),
        ("product", "product"),
        ("paid through", "paid_through"),
    ];
    show::list(&rows, columns, 3);
    Ok(Outcome::Good)
}
