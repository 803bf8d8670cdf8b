//! `marque product`.

use serde_json::{Value, json};

use super::{Done, end, given, show, told};
use crate::admin::{Admin, Failure};
use crate::cli::{Product, ProductCommand};
use crate::input;
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Product) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Product) -> Done {
    let json = options.publisher.json;
    match &options.command {
        ProductCommand::List => {
            let products = admin.list("/products").collect::<Result<Vec<_>, _>>()?;
            if json {
                output::json(&json!({"items": products}));
            } else {
                show::list(&products, [("product", "product"), ("name", "name"), ("bound by", "fingerprint_kind")], 3);
            }
        }
        ProductCommand::Show { product } => {
            let product = admin.get(&format!("/products/{product}"))?;
            if json {
                output::json(&product);
            } else {
                show::record(&product, &["product", "name", "fingerprint_kind", "usage_retention", "marketplace"]);
            }
        }
        ProductCommand::Set { product, name, fingerprint_kind, marketplace, usage_retention } => {
            let marketplace = marketplace.as_deref().map(input::json).transpose()?;
            let given = given(json!({
                "name": name, "fingerprint_kind": fingerprint_kind, "marketplace": marketplace,
                "usage_retention": usage_retention.map(|retention| retention.to_string()),
            }));
            let path = format!("/products/{product}");
            let new = json!({"fingerprint_kind": "ad-domain", "marketplace": []});
            let members = ["name", "fingerprint_kind", "marketplace", "usage_retention"];
            let put = admin.put(&path, &revised(admin, &path, &members, new, given)?)?;
            return Ok(told(json, &put, || {
                format!("{product} is defined: now give it plans, `marque plan set {product} …`")
            }));
        }
    }
    Ok(Outcome::Good)
}

/// The body of a `PUT`: what is there or, for a new one, `new`, with what is given on top.
pub(super) fn revised(admin: &Admin, path: &str, members: &[&str], new: Value, given: Value) -> Result<Value, Failure> {
    let mut body = match admin.get(path) {
        Ok(Value::Object(mut there)) => {
            there.retain(|name, _| members.contains(&name.as_str()));
            Value::Object(there)
        }
        Ok(_) => return Err(Unusable::new("the service answered something that is not an object").into()),
        Err(failure) if failure.outcome == Outcome::Refused => new,
        Err(failure) => return Err(failure),
    };
    if let (Value::Object(body), Value::Object(given)) = (&mut body, given) {
        body.extend(given);
    }
    Ok(body)
}
