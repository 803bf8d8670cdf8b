//! `marque export`: every licence as CSV, in the columns of the import.

use serde_json::Value;

use super::import::{COLUMNS, CUSTOM, guarded};
use super::{Done, each, end};
use crate::admin::{Admin, Failure, query};
use crate::cli::Export;
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Export) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| export(&admin, options)),
    )
}

fn export(admin: &Admin, options: &Export) -> Done {
    let products = admin.list("/products").collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    // A list does not show codes; a licence by itself does.
    let made = |customer: &Value, listed: &Value| {
        let license = admin.get(&format!("/licenses/{}", query(listed["id"].as_str().unwrap_or_default())))?;
        let product = products.iter().find(|product| product["product"] == license["product"]);
        Ok(row(customer, &license, product.map_or(&Value::Null, |product| &product["fingerprint_kind"])))
    };
    each::license(admin, made, |row| rows.push(row))?;
    // In an order that does not hang on which answer came first.
    rows.sort();
    let unusable = |error: &dyn std::fmt::Display| Unusable::new(format!("the lines cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|error| unusable(&error))?;
    for row in &rows {
        writer.write_record(row).map_err(|error| unusable(&error))?;
    }
    let content = writer.into_inner().map_err(|error| unusable(&error))?;
    match &options.out {
        Some(file) => {
            output::write_private(file, &content)?;
            output::say(format!("{} licences are in {}", rows.len(), file.display()));
        }
        None => output::raw(&String::from_utf8_lossy(&content))?,
    }
    Ok(Outcome::Good)
}

fn row(customer: &Value, license: &Value, kind: &Value) -> [String; COLUMNS.len()] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // An import binds one domain, so of several the first is told.
    let domain = text(&license["activations"][0]["fingerprint"]);
    let fingerprint = if kind == "custom" && !domain.is_empty() { format!("{CUSTOM}{domain}") } else { domain };
    [
        text(&license["code"]),
        text(&license["product"]),
        text(&license["plan"]),
        guarded(text(&customer["name"])),
        guarded(text(&customer["company"])),
        guarded(text(&customer["email"])),
        text(&license["starts_at"]),
        fingerprint,
    ]
}
