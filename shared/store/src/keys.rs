//! The keys of the table, all of them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | licence with its activations | `LICENSE#<id>` | `LICENSE` |
//! | an entry of its history | `LICENSE#<id>` | `EVENT#<seq, 10 digits>` |
//! | its `.lic` file for a domain | `LICENSE#<id>` | `FILE#<fingerprint>` |
//! | which licence a code is | `CODE#<sha256>` | `CODE` |
//! | which licence an activation is of | `ACTIVATION#<id>` | `ACTIVATION` |
//! | product | `PRODUCT#<product>` | `PRODUCT` |
//! | every product | `PRODUCTS` | `PRODUCT#<product>` |
//! | plan, newest revision | `PRODUCT#<product>` | `PLAN#<plan>` |
//! | the newest plans of every product | `PRODUCTS` | `PLAN#<product>#<plan>` |
//! | plan, each revision | `PRODUCT#<product>` | `PLAN#<plan>#REV#<n>` |
//! | customer | `CUSTOMER#<id>` | `CUSTOMER` |
//! | licences of a customer, each with its code for its owner | `CUSTOMER#<id>` | `LICENSE#<id>` |
//! | an approved discount of a customer | `CUSTOMER#<id>` | `DISCOUNT#<id>` |
//! | customers by mail address | `EMAIL#<digest>` | `CUSTOMER#<id>` |
//! | every customer | `CUSTOMERS` | `CUSTOMER#<id>` |
//! | licences of a month | `MONTH#<yyyy-mm>` | `LICENSE#<id>` |
//! | one trial a product and domain | `TRIAL#<product>#<fingerprint>` | `TRIAL` |
//! | an answer under an `Idempotency-Key` | `IDEMPOTENCY#<digest>` | `IDEMPOTENCY` |
//! | a challenge for a machine's proof | `CHALLENGE#<text>` | `CHALLENGE` |
//! | a machine that has registered | `MACHINE#<cloud>#<id>` | `MACHINE` |
//! | the machines of a cloud | `MACHINES#<cloud>` | `MACHINE#<account>#<id>` |
//! | the licence that a cloud bills | `BILLED#<cloud>#<account>#<product>#<fingerprint>` | `BILLED` |
//! | one provisional time an account and product | `PROVISIONAL#<cloud>#<account>#<product>` | `PROVISIONAL` |
//! | the roots of a region of Oracle's cloud | `ROOTS#<region>` | `ROOTS` |
//! | the list of what is no longer good | `REVOCATIONS` | `LIST` |
//! | a chain of agreements, named by the one that it began with | `AGREEMENT#<id>` | `AGREEMENT` |
//! | all chains, in the order in which they were made | `AGREEMENTS` | `AGREEMENT#<id>` |
//! | which chain an agreement is in | `ALIAS#<id>` | `ALIAS` |
//! | the same, by the cloud's id of it | `ALIAS#<cloud>#AGREEMENT#<id>` | `ALIAS` |
//! | the same, by its licence at the cloud | `ALIAS#<cloud>#LICENSE#<id>` | `ALIAS` |
//! | which chain pays for a licence, and what its agreement entitles to | `LICENSE#<id>` | `LICENSE#AGREEMENT` |
//! | where the comparison of agreements with a cloud stands | `COMPARISON` | `<cloud>` |
//! | a cloud's event that has told its news | `SEEN#<cloud>#<event>` | `SEEN` |
//! | an event that waits for its agreement | `PENDING#<cloud>#<cloud's id>` | `EVENT#<event>` |
//! | usage that was taken in, by the id that its sender gave it | `AGREEMENT#<chain>` | `USE#<id>` |
//! | what a dimension's hours have left for later ones | `AGREEMENT#<chain>` | `REMAINDER#<dimension>` |
//! | an hour of the ledger of usage | `AGREEMENT#<id>` | `HOUR#<hour>#<dimension>` |
//! | an agreement has ended, and its hours are to be sent at once | `AGREEMENT#<id>` | `FLUSH` |
//! | who sends usage now | `METER` | `LOCK` |
//! | a mail that is to be sent | `MAIL#<id>` | `MAIL` |
//! | somebody's asking for a trial | `ASK#<id>` | `ASK` |
//! | what a token in a mail was sent for | `TOKEN#<sha256>` | `TOKEN` |
//! | trials that a person has had | `PERSON#<digest>` | `TRIALS#<product>` |
//! | what a person has asked for lately | `PERSON#<digest>` | `ASK#<id>` |
//! | mails to a person on a day | `PERSON#<digest>` | `MAILS#<day>` |
//!
//! Digests and fingerprints are written in base64url without padding. Nothing is ever scanned: what is looked up by
//! something else than its key has an item of its own, written in the transaction that makes the thing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::agreement::{ExternalId, LicenseKey};
use marque_core::code::CodeDigest;
use marque_core::customer::PersonDigest;
use marque_core::usage::Hour;
use marque_core::{
    ActivationId, AgreementId, AskId, Cloud, CustomerId, Day, DiscountId, FingerprintValue, LicenseId, MailId, PlanRef,
    Slug,
};

use crate::items::Item;
use crate::{RequestKey, StoreError};

/// The partition key's attribute.
pub(crate) const PK: &str = "pk";
/// The sort key's attribute.
pub(crate) const SK: &str = "sk";

/// The key of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The key of an item that was read.
    pub(crate) fn of(item: &Item) -> Result<Self, StoreError> {
        let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let key = part(PK).zip(part(SK)).map(|(pk, sk)| Self { pk, sk });
        key.ok_or_else(|| StoreError::corrupt(item, "it has no key"))
    }

    /// Whether it is this item's.
    pub(crate) fn is_of(&self, item: &Item) -> bool {
        Self::of(item).is_ok_and(|key| key == *self)
    }

    /// The key as DynamoDB takes it.
    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

pub(crate) fn license(id: LicenseId) -> Key {
    Key::new(format!("LICENSE#{id}"), "LICENSE")
}

/// Ten digits keep the entries of a history in order as text.
pub(crate) fn event(id: LicenseId, seq: u64) -> Key {
    Key::new(format!("LICENSE#{id}"), format!("{EVENT_PREFIX}{seq:010}"))
}

const PLAN_PREFIX: &str = "PLAN#";
/// Stands in the keys of revisions, and in no plan's own.
pub(crate) const REVISION: &str = "#REV#";
const EVENT_PREFIX: &str = "EVENT#";
const FILE_PREFIX: &str = "FILE#";
const PRODUCT_PREFIX: &str = "PRODUCT#";
const LICENSE_PREFIX: &str = "LICENSE#";
const DISCOUNT_PREFIX: &str = "DISCOUNT#";
const CUSTOMER_PREFIX: &str = "CUSTOMER#";
const ASK_PREFIX: &str = "ASK#";

pub(crate) fn file(id: LicenseId, domain: &FingerprintValue) -> Key {
    Key::new(format!("LICENSE#{id}"), format!("{FILE_PREFIX}{}", fingerprint(domain)))
}

pub(crate) fn code(digest: &CodeDigest) -> Key {
    Key::new(format!("CODE#{}", Base64UrlUnpadded::encode_string(digest)), "CODE")
}

pub(crate) fn activation(id: ActivationId) -> Key {
    Key::new(format!("ACTIVATION#{id}"), "ACTIVATION")
}

pub(crate) fn product(product: &Slug) -> Key {
    Key::new(format!("PRODUCT#{product}"), "PRODUCT")
}

pub(crate) fn listed_product(product: &Slug) -> Key {
    Key::new("PRODUCTS", format!("{PRODUCT_PREFIX}{product}"))
}

pub(crate) fn plan(product: &Slug, plan: &Slug) -> Key {
    Key::new(format!("PRODUCT#{product}"), format!("{PLAN_PREFIX}{plan}"))
}

/// Beside those of other products: a start reads all of them at once.
pub(crate) fn newest_plan(product: &Slug, plan: &Slug) -> Key {
    Key::new("PRODUCTS", format!("{PLAN_PREFIX}{product}#{plan}"))
}

/// The product that the key of a newest plan names.
pub(crate) fn product_of_newest_plan(key: &Key) -> Option<Slug> {
    key.sk.strip_prefix(PLAN_PREFIX)?.split('#').next()?.parse().ok()
}

pub(crate) fn plan_revision(product: &Slug, reference: &PlanRef) -> Key {
    Key::new(format!("PRODUCT#{product}"), format!("{PLAN_PREFIX}{}{REVISION}{}", reference.plan, reference.revision))
}

pub(crate) fn customer(id: CustomerId) -> Key {
    Key::new(format!("CUSTOMER#{id}"), "CUSTOMER")
}

pub(crate) fn customer_license(customer: CustomerId, id: LicenseId) -> Key {
    Key::new(format!("CUSTOMER#{customer}"), format!("{LICENSE_PREFIX}{id}"))
}

pub(crate) fn discount(customer: CustomerId, id: DiscountId) -> Key {
    Key::new(format!("{CUSTOMER_PREFIX}{customer}"), format!("{DISCOUNT_PREFIX}{id}"))
}

pub(crate) fn month_license(of: &str, id: LicenseId) -> Key {
    Key::new(format!("MONTH#{of}"), format!("{LICENSE_PREFIX}{id}"))
}

pub(crate) fn trial(product: &Slug, domain: &FingerprintValue) -> Key {
    Key::new(format!("TRIAL#{product}#{}", fingerprint(domain)), "TRIAL")
}

pub(crate) fn email_customer(person: &PersonDigest, customer: CustomerId) -> Key {
    Key::new(format!("EMAIL#{}", Base64UrlUnpadded::encode_string(person)), format!("{CUSTOMER_PREFIX}{customer}"))
}

pub(crate) fn listed_customer(customer: CustomerId) -> Key {
    Key::new("CUSTOMERS", format!("{CUSTOMER_PREFIX}{customer}"))
}

pub(crate) fn idempotency(key: &RequestKey) -> Key {
    Key::new(format!("IDEMPOTENCY#{}", Base64UrlUnpadded::encode_string(&key.0)), "IDEMPOTENCY")
}

pub(crate) fn challenge(text: &str) -> Key {
    Key::new(format!("CHALLENGE#{text}"), "CHALLENGE")
}

pub(crate) fn machine(cloud: Cloud, instance: &str) -> Key {
    Key::new(format!("MACHINE#{cloud}#{instance}"), "MACHINE")
}

pub(crate) const MACHINE_PREFIX: &str = "MACHINE#";

/// The list of a cloud's machines, of one account or of all.
pub(crate) fn machines(cloud: Cloud, account: Option<&str>) -> Key {
    let of_account = account.map_or_else(String::new, |account| format!("{account}#"));
    Key::new(format!("MACHINES#{cloud}"), format!("{MACHINE_PREFIX}{of_account}"))
}

pub(crate) fn listed_machine(cloud: Cloud, account: &str, instance: &str) -> Key {
    let Key { pk, sk } = machines(cloud, Some(account));
    Key::new(pk, format!("{sk}{instance}"))
}

pub(crate) fn billed(cloud: Cloud, account: &str, product: &Slug, domain: &FingerprintValue) -> Key {
    Key::new(format!("BILLED#{cloud}#{account}#{product}#{}", fingerprint(domain)), "BILLED")
}

pub(crate) fn provisional(cloud: Cloud, account: &str, product: &Slug) -> Key {
    Key::new(format!("PROVISIONAL#{cloud}#{account}#{product}"), "PROVISIONAL")
}

pub(crate) fn roots(region: &str) -> Key {
    Key::new(format!("ROOTS#{region}"), "ROOTS")
}

pub(crate) fn revocations() -> Key {
    Key::new("REVOCATIONS", "LIST")
}

/// Where a list begins: its partition, and what the sort keys of its items begin with.
pub(crate) fn licenses_of(customer: CustomerId) -> Key {
    Key::new(format!("CUSTOMER#{customer}"), LICENSE_PREFIX)
}

pub(crate) fn discounts_of(customer: CustomerId) -> Key {
    Key::new(format!("CUSTOMER#{customer}"), DISCOUNT_PREFIX)
}

pub(crate) fn licenses_of_month(of: &str) -> Key {
    Key::new(format!("MONTH#{of}"), LICENSE_PREFIX)
}

pub(crate) fn customers() -> Key {
    Key::new("CUSTOMERS", CUSTOMER_PREFIX)
}

pub(crate) fn customers_by_person(person: &PersonDigest) -> Key {
    Key::new(format!("EMAIL#{}", Base64UrlUnpadded::encode_string(person)), CUSTOMER_PREFIX)
}

pub(crate) fn products() -> Key {
    Key::new("PRODUCTS", PRODUCT_PREFIX)
}

pub(crate) fn newest_plans() -> Key {
    Key::new("PRODUCTS", PLAN_PREFIX)
}

pub(crate) fn plans_of(product: &Slug) -> Key {
    Key::new(format!("PRODUCT#{product}"), PLAN_PREFIX)
}

pub(crate) fn events_of(id: LicenseId) -> Key {
    Key::new(format!("LICENSE#{id}"), EVENT_PREFIX)
}

pub(crate) fn files_of(id: LicenseId) -> Key {
    Key::new(format!("LICENSE#{id}"), FILE_PREFIX)
}

/// What a chain of agreements is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alias<'a> {
    Agreement(AgreementId),
    External(Cloud, &'a ExternalId),
    CloudLicense(Cloud, &'a LicenseKey),
    License(LicenseId),
}

pub(crate) fn alias(alias: &Alias<'_>) -> Key {
    match alias {
        Alias::Agreement(id) => Key::new(format!("ALIAS#{id}"), "ALIAS"),
        Alias::External(cloud, id) => Key::new(format!("ALIAS#{cloud}#AGREEMENT#{id}"), "ALIAS"),
        Alias::CloudLicense(cloud, key) => Key::new(format!("ALIAS#{cloud}#LICENSE#{key}"), "ALIAS"),
        Alias::License(id) => Key::new(format!("LICENSE#{id}"), "LICENSE#AGREEMENT"),
    }
}

pub(crate) fn comparison(cloud: Cloud) -> Key {
    Key::new("COMPARISON", cloud.to_string())
}

pub(crate) fn chain(id: AgreementId) -> Key {
    Key::new(format!("AGREEMENT#{id}"), "AGREEMENT")
}

pub(crate) fn listed_chain(id: AgreementId) -> Key {
    Key::new("AGREEMENTS", format!("{AGREEMENT_PREFIX}{id}"))
}

pub(crate) fn chains() -> Key {
    Key::new("AGREEMENTS", AGREEMENT_PREFIX)
}

const AGREEMENT_PREFIX: &str = "AGREEMENT#";

/// What the sort keys of records of usage begin with.
const USE_PREFIX: &str = "USE#";
const HOUR_PREFIX: &str = "HOUR#";
pub(crate) const FLUSH: &str = "FLUSH";

pub(crate) fn usage_record(chain: AgreementId, id: &str) -> Key {
    Key::new(format!("{AGREEMENT_PREFIX}{chain}"), format!("{USE_PREFIX}{id}"))
}

/// An hour is its agreement's, whatever chain that is joined to: the cloud knows hours by agreement.
pub(crate) fn usage_hour(agreement: AgreementId, hour: Hour, dimension: &str) -> Key {
    Key::new(format!("{AGREEMENT_PREFIX}{agreement}"), format!("{HOUR_PREFIX}{hour}#{dimension}"))
}

/// What is before all hours from this one on.
pub(crate) fn usage_hours_from(agreement: AgreementId, hour: Hour) -> Key {
    Key::new(format!("{AGREEMENT_PREFIX}{agreement}"), format!("{HOUR_PREFIX}{hour}"))
}

pub(crate) fn usage_remainder(chain: AgreementId, dimension: &str) -> Key {
    Key::new(format!("{AGREEMENT_PREFIX}{chain}"), format!("REMAINDER#{dimension}"))
}

pub(crate) fn usage_flush(agreement: AgreementId) -> Key {
    Key::new(format!("{AGREEMENT_PREFIX}{agreement}"), FLUSH)
}

pub(crate) fn meter_lock() -> Key {
    Key::new("METER", "LOCK")
}

/// What an entry of the index is about, among the work of the ledger: an hour with its dimension, or none for a flush.
pub(crate) fn usage_work(key: &Key) -> Option<(AgreementId, Option<(Hour, &str)>)> {
    let agreement = key.pk.strip_prefix(AGREEMENT_PREFIX)?.parse().ok()?;
    if key.sk == FLUSH {
        return Some((agreement, None));
    }
    let (hour, dimension) = key.sk.strip_prefix(HOUR_PREFIX)?.split_once('#')?;
    Some((agreement, Some((hour.parse().ok()?, dimension))))
}

pub(crate) fn seen(cloud: Cloud, event: &str) -> Key {
    Key::new(format!("SEEN#{cloud}#{event}"), "SEEN")
}

pub(crate) fn parked(cloud: Cloud, agreement: &ExternalId, event: &str) -> Key {
    Key::new(format!("PENDING#{cloud}#{agreement}"), format!("{EVENT_PREFIX}{event}"))
}

pub(crate) fn mail(id: MailId) -> Key {
    Key::new(format!("MAIL#{id}"), "MAIL")
}

pub(crate) fn ask(id: AskId) -> Key {
    Key::new(format!("ASK#{id}"), "ASK")
}

pub(crate) fn trial_token(digest: &[u8; 32]) -> Key {
    Key::new(format!("TOKEN#{}", Base64UrlUnpadded::encode_string(digest)), "TOKEN")
}

pub(crate) fn person(person: PersonDigest, product: &Slug) -> Key {
    Key::new(format!("PERSON#{}", Base64UrlUnpadded::encode_string(&person)), format!("TRIALS#{product}"))
}

pub(crate) fn asks_of(person: PersonDigest) -> Key {
    Key::new(format!("PERSON#{}", Base64UrlUnpadded::encode_string(&person)), ASK_PREFIX)
}

pub(crate) fn ask_of(person: PersonDigest, id: AskId) -> Key {
    let Key { pk, sk } = asks_of(person);
    Key::new(pk, format!("{sk}{id}"))
}

pub(crate) fn mails_of_day(person: PersonDigest, day: Day) -> Key {
    Key::new(format!("PERSON#{}", Base64UrlUnpadded::encode_string(&person)), format!("MAILS#{day}"))
}

pub(crate) fn health() -> Key {
    Key::new("HEALTH", "HEALTH")
}

/// A fingerprint as a key of the licence's map of activations, and in keys.
pub(crate) fn fingerprint(domain: &FingerprintValue) -> String {
    Base64UrlUnpadded::encode_string(&domain.0)
}
