//! The calls of the Agreement API that tell how an agreement stands.

use marque_core::Timestamp;
use serde_json::Value;

use crate::cbor::Cbor;
use crate::marketplace::{Marketplace, State};
use crate::purchase::{Purchase, Stage};
use crate::reply::{Answer, Exception};
use crate::request::Request;

/// The most summaries of one page.
const PAGE: usize = 50;

pub(crate) fn describe(marketplace: &Marketplace, state: &State, request: &Request) -> Result<Answer, Exception> {
    let purchase = find(state, request)?;
    let document = summary(marketplace, purchase)
        .with("endTimeBehavior", Some(Cbor::map([("type", Cbor::text(behavior(purchase)))])));
    Ok(Answer::cbor(&document))
}

pub(crate) fn terms(state: &State, request: &Request) -> Result<Answer, Exception> {
    let purchase = find(state, request)?;
    let mut terms = vec![Cbor::map([("legalTerm", Cbor::map([("type", Cbor::text("LegalTerm"))]))])];
    if purchase.pricing.is_entitled() {
        let term =
            Cbor::map([("type", Cbor::text("ConfigurableUpfrontPricingTerm")), ("currencyCode", Cbor::text("USD"))]);
        terms.push(Cbor::map([("configurableUpfrontPricingTerm", term)]));
    }
    if purchase.pricing.is_metered() {
        let term = Cbor::map([("type", Cbor::text("UsageBasedPricingTerm")), ("currencyCode", Cbor::text("USD"))]);
        terms.push(Cbor::map([("usageBasedPricingTerm", term)]));
    }
    let validity = Cbor::map([
        ("type", Cbor::text("ValidityTerm")),
        ("agreementStartDate", Cbor::Time(purchase.start)),
        ("agreementEndDate", Cbor::Time(end(purchase))),
    ]);
    terms.push(Cbor::map([("validityTerm", validity)]));
    Ok(Answer::cbor(&Cbor::map([("acceptedTerms", Cbor::List(terms))])))
}

pub(crate) fn entitlements(marketplace: &Marketplace, state: &State, request: &Request) -> Result<Answer, Exception> {
    let purchase = find(state, request)?;
    let status = match purchase.stage {
        Stage::Pending => "PENDING",
        Stage::Active { .. } => "PROVISIONED",
        Stage::Ended { .. } => "DEPROVISIONED",
    };
    let arn = purchase.since().map(|_| Cbor::Text(purchase.license_arn()));
    let entitlement = Cbor::map([
        ("resource", resource(marketplace, purchase)),
        ("type", Cbor::text("SaaSProduct")),
        ("status", Cbor::text(status)),
    ]);
    Ok(Answer::cbor(&Cbor::map([("agreementEntitlements", Cbor::List(vec![entitlement.with("licenseArn", arn)]))])))
}

/// What a seller may search by: as a proposer, for purchases.
pub(crate) fn search(marketplace: &Marketplace, state: &State, request: &Request) -> Result<Answer, Exception> {
    if state.knobs.agreements_denied {
        return Err(denied());
    }
    let document = &request.document;
    if document["catalog"] != "AWSMarketplace" {
        return Err(invalid("catalog must be AWSMarketplace"));
    }
    let filters = document["filters"].as_array().cloned().unwrap_or_default();
    let filter = |name: &str| {
        let found = filters.iter().find(|filter| filter["name"] == name);
        found.map(|filter| filter["values"].as_array().cloned().unwrap_or_default())
    };
    if filter("PartyType") != Some(vec!["Proposer".into()])
        || filter("AgreementType") != Some(vec!["PurchaseAgreement".into()])
    {
        return Err(invalid("filters must have PartyType Proposer and AgreementType PurchaseAgreement"));
    }
    const KNOWN: [&str; 5] = ["PartyType", "AgreementType", "Status", "AcceptorAccountId", "ResourceIdentifier"];
    if filters.iter().any(|filter| !KNOWN.iter().any(|known| filter["name"] == *known)) {
        return Err(invalid("a filter of this name cannot be combined with the others"));
    }
    let limit = match &document["maxResults"] {
        Value::Null => PAGE,
        limit => limit
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=PAGE).contains(limit))
            .ok_or_else(|| invalid("maxResults must be from 1 to 50"))?,
    };
    let from: usize = match document["nextToken"].as_str() {
        None => 0,
        Some(token) => token.parse().map_err(|_| invalid("nextToken is none that was given"))?,
    };
    let is = |name: &str, value: &str| filter(name).is_none_or(|values| values.iter().any(|known| known == value));
    let found: Vec<&Purchase> = state
        .world
        .purchases
        .values()
        .filter(|purchase| {
            let product = marketplace.shared().listing(&purchase.product_code).map(|listing| &listing.product_id);
            // A partner proposes what it sells, so that the maker of the product is not told of it here.
            !purchase.via_partner
                && is("Status", purchase.status())
                && is("AcceptorAccountId", &purchase.account)
                && is("ResourceIdentifier", product.map(String::as_str).unwrap_or_default())
        })
        .collect();
    let page = found.iter().skip(from).take(limit).map(|purchase| {
        let arn =
            purchase.since().map(|_| Cbor::List(vec![Cbor::map([("licenseArn", Cbor::Text(purchase.license_arn()))])]));
        summary(marketplace, purchase).with("entitlements", arn)
    });
    let document = Cbor::map([("agreementViewSummaries", Cbor::List(page.collect()))]);
    let next = (found.len() > from + limit).then(|| Cbor::text((from + limit).to_string()));
    Ok(Answer::cbor(&document.with("nextToken", next)))
}

fn find<'a>(state: &'a State, request: &Request) -> Result<&'a Purchase, Exception> {
    if state.knobs.agreements_denied {
        return Err(denied());
    }
    let id = request.document["agreementId"].as_str().unwrap_or_default();
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/-".contains(&byte))
    {
        return Err(invalid("agreementId must be 1 to 64 letters, digits, _, / or -"));
    }
    let missing = || Exception::new("ResourceNotFoundException", "There is no such agreement.");
    state.world.purchases.get(id).ok_or_else(missing)
}

fn summary(marketplace: &Marketplace, purchase: &Purchase) -> Cbor {
    let party = |account: &str| Cbor::map([("accountId", Cbor::text(account))]);
    let proposal = Cbor::map([
        ("resources", Cbor::List(vec![resource(marketplace, purchase)])),
        ("offerId", Cbor::text(purchase.offer.as_str())),
    ]);
    Cbor::map([
        ("agreementId", Cbor::text(purchase.agreement.as_str())),
        ("agreementType", Cbor::text("PurchaseAgreement")),
        ("acceptanceTime", Cbor::Time(purchase.start)),
        ("startTime", Cbor::Time(purchase.start)),
        ("endTime", Cbor::Time(end(purchase))),
        ("acceptor", party(&purchase.account)),
        ("proposer", party(&marketplace.shared().seller.account)),
        ("proposalSummary", proposal),
        ("status", Cbor::text(purchase.status())),
        ("initialAgreementId", Cbor::text(purchase.initial.as_str())),
    ])
}

fn resource(marketplace: &Marketplace, purchase: &Purchase) -> Cbor {
    let product = marketplace.shared().listing(&purchase.product_code);
    let id = product.map(|listing| listing.product_id.clone()).unwrap_or_default();
    Cbor::map([("id", Cbor::Text(id)), ("type", Cbor::text("SaaSProduct"))])
}

/// Where it ended, or will. Agreements without an end are written with one in the year 9999.
fn end(purchase: &Purchase) -> Timestamp {
    purchase.ended_at().or(purchase.end).unwrap_or(Timestamp::MAX)
}

const fn behavior(purchase: &Purchase) -> &'static str {
    if purchase.auto_renew { "RENEW" } else { "EXPIRE" }
}

fn denied() -> Exception {
    Exception::new("AccessDeniedException", "The caller may not make this call.")
}

fn invalid(message: impl Into<String>) -> Exception {
    Exception::new("ValidationException", message)
}
