//! `GetEntitlements`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cbor::Cbor;
use crate::marketplace::{Marketplace, State};
use crate::purchase::{Entitled, Purchase};
use crate::reply::{Answer, Exception};
use crate::request::Request;

/// The largest page, and the usual one.
const PAGE: usize = 25;
/// The token of the first page that has anything on it, after an empty one.
const AFTER_EMPTY_PAGE: &str = "page-0";

pub(crate) fn get_entitlements(
    marketplace: &Marketplace,
    state: &State,
    request: &Request,
) -> Result<Answer, Exception> {
    let document = &request.document;
    let code = document["ProductCode"].as_str().unwrap_or_default();
    if marketplace.shared().listing(code).is_none() {
        return Err(invalid("ProductCode is not one of the seller's"));
    }
    let filter = Filter::read(&document["Filter"])?;
    let limit = match &document["MaxResults"] {
        Value::Null => PAGE,
        limit => limit
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=PAGE).contains(limit))
            .ok_or_else(|| invalid("MaxResults must be from 1 to 25"))?,
    };
    let from = match document["NextToken"].as_str() {
        None if state.knobs.empty_pages => {
            let page =
                Cbor::map([("Entitlements", Cbor::List(Vec::new())), ("NextToken", Cbor::text(AFTER_EMPTY_PAGE))]);
            return Ok(Answer::cbor(&page));
        }
        None => 0,
        Some(token) => {
            let place = token.strip_prefix("page-").and_then(|place| place.parse().ok());
            place.ok_or_else(|| invalid("NextToken is none that was given"))?
        }
    };
    let (now, lag) = (marketplace.now(), state.knobs.entitlement_lag);
    let purchases = state.world.purchases.values().filter(|purchase| purchase.product_code == code);
    let rows: Vec<_> = purchases
        .flat_map(|purchase| purchase.entitlements(now, lag).iter().map(move |entitled| (purchase, entitled)))
        .filter(|(purchase, entitled)| filter.takes(purchase, entitled))
        .collect();
    let page = rows.iter().skip(from).take(limit).map(|(purchase, entitled)| row(purchase, entitled)).collect();
    let next = (rows.len() > from + limit).then(|| Cbor::text(format!("page-{}", from + limit)));
    Ok(Answer::cbor(&Cbor::map([("Entitlements", Cbor::List(page))]).with("NextToken", next)))
}

/// Any of the values of a key, for every key.
struct Filter(BTreeMap<String, Vec<String>>);

impl Filter {
    const KEYS: [&str; 4] = ["CUSTOMER_IDENTIFIER", "DIMENSION", "CUSTOMER_AWS_ACCOUNT_ID", "LICENSE_ARN"];

    fn read(value: &Value) -> Result<Self, Exception> {
        if value.is_null() {
            return Ok(Self(BTreeMap::new()));
        }
        let filter: BTreeMap<String, Vec<String>> =
            serde_json::from_value(value.clone()).map_err(|_| invalid("Filter is a map of lists of texts"))?;
        if let Some(key) = filter.keys().find(|key| !Self::KEYS.contains(&key.as_str())) {
            return Err(invalid(format!("{key} is no key of a filter")));
        }
        if filter.values().any(Vec::is_empty) {
            return Err(invalid("each list of a filter needs a value"));
        }
        if filter.contains_key("CUSTOMER_IDENTIFIER") && filter.contains_key("CUSTOMER_AWS_ACCOUNT_ID") {
            return Err(invalid("CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID exclude each other"));
        }
        Ok(Self(filter))
    }

    fn takes(&self, purchase: &Purchase, entitled: &Entitled) -> bool {
        self.0.iter().all(|(key, values)| match key.as_str() {
            "DIMENSION" => values.contains(&entitled.dimension),
            "CUSTOMER_AWS_ACCOUNT_ID" => values.contains(&purchase.account),
            "LICENSE_ARN" => values.contains(&purchase.license_arn()),
            // Listings with concurrent agreements know no such identifier.
            _ => false,
        })
    }
}

fn row(purchase: &Purchase, entitled: &Entitled) -> Cbor {
    let value = match &entitled.value {
        Value::Bool(value) => ("BooleanValue", Cbor::Bool(*value)),
        Value::String(text) => ("StringValue", Cbor::text(text.as_str())),
        number => match number.as_i64() {
            Some(number) => ("IntegerValue", Cbor::Int(number)),
            None => ("DoubleValue", Cbor::Double(number.as_f64().unwrap_or_default())),
        },
    };
    Cbor::map([
        ("ProductCode", Cbor::text(purchase.product_code.as_str())),
        ("Dimension", Cbor::text(entitled.dimension.as_str())),
        ("CustomerAWSAccountId", Cbor::text(purchase.account.as_str())),
        ("LicenseArn", Cbor::Text(purchase.license_arn())),
        ("Value", Cbor::map([value])),
    ])
    .with("ExpirationDate", purchase.end.map(Cbor::Time))
}

fn invalid(message: impl Into<String>) -> Exception {
    Exception::new("InvalidParameterException", message)
}
