//! EventBridge events of AWS Marketplace, read into what they say. An event is a hint: who handles it asks AWS.

use marque_core::Timestamp;
use marque_core::agreement::{AccountId, ExternalId, LicenseArn};
use serde_json::Value;

use super::fulfilment::Standing;

/// The source of every event that is read here. Nobody but AWS can send as an `aws.` source.
const SOURCE: &str = "aws.agreement-marketplace";

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The event's id: sent again it is the same.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The seller's account, as the event has it.
    pub seller: String,
    /// What happened.
    pub said: Said,
    /// To which agreement: the only member that all events about one have.
    pub agreement: ExternalId,
    /// The buyer's account.
    pub acceptor: Option<AccountId>,
    /// The product's code: licence events have it.
    pub product_code: Option<String>,
    /// The listing's entity, `prod-…`.
    pub entity: Option<String>,
    /// The licence, as events print it.
    pub license_arn: Option<LicenseArn>,
    /// The agreement that this one renews or replaces.
    pub previous: Option<ExternalId>,
    /// The end of the agreement's term.
    pub term_end: Option<Timestamp>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An agreement was made; that activates nothing.
    Created,
    /// An agreement was amended, or its automatic renewal switched.
    Amended,
    /// An agreement's status is now this.
    Ended(Standing),
    /// The licence was provisioned, or changed.
    LicenseUpdated,
    /// The licence was taken back.
    LicenseDeprovisioned,
    /// AWS suspects something, or a payment looks doubtful: a person should look.
    Advisory,
    /// For the record.
    Informational,
    /// Of a kind that was not there when this was written.
    Unknown,
}

/// Why an event cannot be handled, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not of this source.
    #[error("the event is not of aws.agreement-marketplace")]
    Source,
    /// It is of another region than the one that these events come from.
    #[error("the event is not of us-east-1")]
    Region,
    /// It lacks what every event has.
    #[error("the event lacks {0}")]
    Member(&'static str),
}

/// Reads an event as EventBridge delivers it.
///
/// # Errors
/// [`Unreadable`].
pub fn read(event: &Value) -> Result<Notice, Unreadable> {
    if event["source"] != SOURCE {
        return Err(Unreadable::Source);
    }
    if event["region"] != super::wire::HOME_REGION {
        return Err(Unreadable::Region);
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&event["id"]).filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
    let detail = &event["detail"];
    let agreement = &detail["agreement"];
    let status = agreement["status"].as_str().unwrap_or_default();
    Ok(Notice {
        id: id.ok_or(Unreadable::Member("id"))?,
        at: parsed(&event["time"]).ok_or(Unreadable::Member("time"))?,
        seller: text(&event["account"]).ok_or(Unreadable::Member("account"))?,
        said: said(event["detail-type"].as_str().unwrap_or_default(), status),
        agreement: parsed(&agreement["id"]).ok_or(Unreadable::Member("detail.agreement.id"))?,
        acceptor: parsed(&detail["acceptor"]["accountId"]),
        product_code: text(&detail["product"]["code"]),
        entity: text(&detail["product"]["id"]),
        license_arn: parsed(&detail["license"]["arn"]),
        previous: parsed(&agreement["previousAgreementId"]),
        term_end: parsed(&agreement["endTime"]),
    })
}

/// Both roles are told of agreements; which one a seller is depends on who made the offer.
fn said(detail_type: &str, status: &str) -> Said {
    let kind = ["Manufacturer", "Proposer"].iter().find_map(|role| detail_type.strip_suffix(role)?.strip_suffix(" - "));
    match kind.unwrap_or(detail_type) {
        "Purchase Agreement Created" => Said::Created,
        "Purchase Agreement Amended" => Said::Amended,
        "Purchase Agreement Ended" => Said::Ended(Standing::of(status)),
        "License Updated" => Said::LicenseUpdated,
        "License Deprovisioned" => Said::LicenseDeprovisioned,
        "Purchase Agreement Advisory Issued" | "Purchase Agreement Advisory Resolved" | "Vet Failed" => Said::Advisory,
        "Spend Threshold Reached"
        | "Vet Succeeded"
        | "Purchase Agreement Ending"
        | "Renewal Terms Finalized"
        | "Renewal Upcoming"
        | "Purchase Agreement Renewal Terms Finalized"
        | "Purchase Agreement Renewal Upcoming"
        | "Purchase Agreement Billing Adjustment Completed"
        | "Purchase Agreement Billing Adjustment Failed" => Said::Informational,
        kind if kind.starts_with("Agreement Cancellation Request") => Said::Informational,
        _ => Said::Unknown,
    }
}

fn parsed<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use marque_core::agreement::{How, Succession};
    use serde_json::json;

    fn event(detail_type: &str, detail: &Value) -> Value {
        json!({"version": "0", "id": "e-1", "detail-type": detail_type, "source": SOURCE, "account": "111122223333",
            "time": "2026-08-14T10:00:00.417Z", "region": "us-east-1", "resources": [], "detail": detail})
    }

    #[test]
    fn both_roles_and_every_kind_are_known_and_a_new_kind_is_no_fault() {
        for (detail_type, wanted) in [
            ("Purchase Agreement Created - Manufacturer", Said::Created),
            ("Purchase Agreement Created - Proposer", Said::Created),
            ("Purchase Agreement Amended - Proposer", Said::Amended),
            ("License Updated - Manufacturer", Said::LicenseUpdated),
            ("License Deprovisioned - Manufacturer", Said::LicenseDeprovisioned),
            ("Purchase Agreement Advisory Issued - Manufacturer", Said::Advisory),
            ("Agreement Cancellation Request Approved - Proposer", Said::Informational),
            ("Something Of Next Year - Proposer", Said::Unknown),
            ("", Said::Unknown),
        ] {
            let notice = read(&event(detail_type, &json!({"agreement": {"id": "agmt-1"}}))).unwrap();
            assert_eq!(notice.said, wanted, "{detail_type}");
        }
    }

    #[test]
    fn an_ending_says_how_and_what_is_not_known_ends_nothing() {
        for (status, wanted) in [
            ("CANCELLED", Standing::Ended(How::Cancelled)),
            ("EXPIRED", Standing::Ended(How::Expired)),
            ("TERMINATED", Standing::Ended(How::Terminated)),
            ("RENEWED", Standing::Superseded(Succession::Renewed)),
            ("REPLACED", Standing::Superseded(Succession::Replaced)),
            ("SUPERSEDED", Standing::Unclear),
            ("ARCHIVED", Standing::Unclear),
            ("", Standing::Unclear),
        ] {
            let detail = json!({"agreement": {"id": "agmt-1", "status": status}});
            let notice = read(&event("Purchase Agreement Ended - Proposer", &detail)).unwrap();
            assert_eq!(notice.said, Said::Ended(wanted), "{status}");
        }
    }

    #[test]
    fn missing_members_are_missing_and_fractions_and_far_years_are_read() {
        let detail = json!({"agreement": {"id": "agmt-1", "endTime": "9999-01-01T00:00:00Z"},
            "resaleAuthorization": {"id": null}, "license": {"arn": "aws:license-manager:us-east-1:1:license:l-7"}});
        let notice = read(&event("License Updated - Manufacturer", &detail)).unwrap();
        assert_eq!(notice.at.to_string(), "2026-08-14T10:00:00Z");
        assert_eq!(notice.term_end.map(|end| end.to_string()).as_deref(), Some("9999-01-01T00:00:00Z"));
        assert_eq!(notice.license_arn.map(|arn| arn.key().to_string()).as_deref(), Some("l-7"));
        assert_eq!((notice.acceptor, notice.product_code, notice.previous), (None, None, None));
    }

    #[test]
    fn an_event_of_elsewhere_or_without_an_agreement_is_refused() {
        let good = event("License Updated - Manufacturer", &json!({"agreement": {"id": "agmt-1"}}));
        let with = |name: &str, value: Value| {
            let mut event = good.clone();
            event[name] = value;
            read(&event)
        };
        assert_eq!(with("source", "my.app".into()), Err(Unreadable::Source));
        assert_eq!(with("region", "eu-west-1".into()), Err(Unreadable::Region));
        assert_eq!(with("detail", json!({})), Err(Unreadable::Member("detail.agreement.id")));
        assert_eq!(with("detail", json!({"agreement": {"id": "a b"}})), Err(Unreadable::Member("detail.agreement.id")));
        assert_eq!(with("id", Value::Null), Err(Unreadable::Member("id")));
        assert_eq!(with("time", "yesterday".into()), Err(Unreadable::Member("time")));
    }
}
