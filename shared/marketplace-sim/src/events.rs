//! EventBridge events of `aws.agreement-marketplace`, with the members that each type has, and no more.

use marque_core::Timestamp;
use serde_json::{Value, json};

use crate::listing::Listing;
use crate::purchase::{Purchase, Stage};

/// The partner that makes offers for the seller.
const PARTNER: &str = "777788889999";

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening {
    Created,
    Amended,
    Ended,
    LicenseUpdated,
    LicenseDeprovisioned,
}

/// Who is told, of which listing.
pub(crate) struct Told<'a> {
    pub(crate) seller: &'a str,
    pub(crate) listing: &'a Listing,
    /// The event's own id, and the request's.
    pub(crate) id: String,
    pub(crate) request_id: String,
}

/// The event.
pub(crate) fn event(purchase: &Purchase, happening: Happening, at: Timestamp, told: &Told<'_>) -> Value {
    json!({
        "version": "0",
        "id": told.id,
        "detail-type": detail_type(purchase, happening),
        "source": "aws.agreement-marketplace",
        "account": told.seller,
        "time": at,
        "region": "us-east-1",
        "resources": [format!("arn:aws:aws-marketplace:us-east-1:{}:agreement:AWSMarketplace/{}", told.seller, purchase.agreement)],
        "detail": detail(purchase, happening, told),
    })
}

/// Who is both manufacturer and proposer gets agreement events as the proposer alone; licence events are the
/// manufacturer's.
fn detail_type(purchase: &Purchase, happening: Happening) -> String {
    let role = if purchase.via_partner { "Manufacturer" } else { "Proposer" };
    match happening {
        Happening::Created => format!("Purchase Agreement Created - {role}"),
        Happening::Amended => format!("Purchase Agreement Amended - {role}"),
        Happening::Ended => format!("Purchase Agreement Ended - {role}"),
        Happening::LicenseUpdated => "License Updated - Manufacturer".to_owned(),
        Happening::LicenseDeprovisioned => "License Deprovisioned - Manufacturer".to_owned(),
    }
}

fn detail(purchase: &Purchase, happening: Happening, told: &Told<'_>) -> Value {
    let proposer = if purchase.via_partner { PARTNER } else { told.seller };
    let mut detail = json!({
        "requestId": told.request_id,
        "catalog": "AWSMarketplace",
        "agreement": {"id": purchase.agreement},
        "acceptor": {"accountId": purchase.account},
        "proposer": {"accountId": proposer},
        "offer": {"id": purchase.offer},
    });
    match happening {
        Happening::Created | Happening::Amended => {
            let intent = if matches!(happening, Happening::Amended) { "AMEND" } else { purchase.intent.name() };
            detail["agreement"] = agreement(purchase, intent);
            detail["resaleAuthorization"] = resale(purchase);
            detail["product"] = json!({"id": told.listing.product_id, "title": told.listing.title});
        }
        Happening::Ended => {
            detail["agreement"]["status"] = purchase.status().into();
            detail["resaleAuthorization"] = resale(purchase);
        }
        Happening::LicenseUpdated | Happening::LicenseDeprovisioned => {
            detail["product"] = json!({"code": told.listing.product_code, "id": told.listing.product_id});
            detail["license"] = json!({"arn": purchase.license_arn_in_events()});
        }
    }
    detail
}

fn agreement(purchase: &Purchase, intent: &str) -> Value {
    let mut agreement = json!({
        "id": purchase.agreement,
        "intent": intent,
        "status": "ACTIVE",
        "acceptanceTime": fractional(purchase.start),
        "startTime": fractional(purchase.start),
        "endTime": purchase.end.map_or("9999-01-01T00:00:00Z".to_owned(), fractional),
    });
    if let (Some(previous), false) = (&purchase.previous, purchase.via_partner) {
        agreement["previousAgreementId"] = previous.as_str().into();
    }
    if !matches!(purchase.stage, Stage::Ended { .. }) && !purchase.via_partner && intent == "AMEND" {
        agreement["autoRenewalEnabled"] = purchase.auto_renew.into();
    }
    agreement
}

fn resale(purchase: &Purchase) -> Value {
    let authorization = purchase.via_partner.then_some("resaleauthz-1example");
    json!({"id": authorization})
}

/// Live events carry fractions of seconds.
fn fractional(time: Timestamp) -> String {
    format!("{}.417Z", time.to_string().trim_end_matches('Z'))
}
