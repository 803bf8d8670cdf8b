//! The licence's item. Attribute names are one or two letters: with one activation it stays under 1 KB, so that a check
//! costs one write unit.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::event::Head;
use marque_core::license::Bindings;
use marque_core::{
    Activation, ActivationId, CustomerId, Day, FingerprintKind, FingerprintValue, License, LicenseId, Paid, Pending,
    PlanRef, Plans, Seen, Slug, Standing, Term, Timestamp, TokenId,
};
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue as Raw;
use serde_json::{Map, Value};

use super::Item;
use super::bytes::{array, blob, optional_array};
use crate::StoreError;
use crate::expression::Expression;
use crate::keys;

/// The names that expressions use.
pub(crate) mod names {
    pub(crate) const ACTIVATIONS: &str = "a";
    pub(crate) const PRODUCT: &str = "p";
    pub(crate) const KIND: &str = "k";
    pub(crate) const RUNS_UNTIL: &str = "u";
    pub(crate) const VERSION: &str = "v";
    /// Of an activation.
    pub(crate) const SEEN: &str = "s";
    /// Of an activation.
    pub(crate) const INSTANCE: &str = "n";
    /// Of an activation.
    pub(crate) const PRODUCT_VERSION: &str = "v";
    /// Of an activation.
    pub(crate) const LEASE: &str = "j";
    /// Of an activation.
    pub(crate) const PREVIOUS_LEASE: &str = "l";
    /// Of an activation.
    pub(crate) const PUBLIC_KEY: &str = "k";
    /// Of an activation.
    pub(crate) const REPLACED_KEYS: &str = "r";
    /// Of an activation.
    pub(crate) const FORKS: &str = "f";
    /// Of an activation.
    pub(crate) const FILE: &str = "d";
    /// Stands for "no lease before".
    pub(crate) const NO_LEASE: &str = "-";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LicenseItem {
    /// Product.
    p: Slug,
    /// Fingerprint kind.
    k: FingerprintKind,
    /// Customer.
    c: CustomerId,
    /// Issued at.
    i: i64,
    /// Suspended since.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ss: Option<i64>,
    /// Revoked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sr: Option<i64>,
    /// Running term.
    t: TermItem,
    /// Next term.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    n: Option<TermItem>,
    /// Pending: an empty text for a cancellation, else the plan to change to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    w: Option<String>,
    /// Features beside the plan's.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    x: Map<String, Value>,
    /// Activations, by the base64url of the fingerprint.
    a: BTreeMap<String, ActivationItem>,
    /// Bindings.
    b: BindingsItem,
    /// Number of the last entry of the history.
    q: u64,
    /// Its hash.
    #[serde(with = "array")]
    h: [u8; 32],
    /// Version.
    v: u64,
    /// Runs until: derived from the terms at each transition, so that the check-in can be conditional on it.
    u: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct TermItem {
    /// Plan.
    p: Slug,
    /// Revision.
    r: u32,
    /// Anchor day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    a: Option<Day>,
    /// Last paid day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    e: Option<Day>,
    /// Paid until.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    u: Option<i64>,
    /// For ever.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    f: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ActivationItem {
    /// Identifier.
    i: ActivationId,
    /// Bound at.
    b: i64,
    /// Seen at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    s: Option<i64>,
    /// Instance.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    n: Option<[u8; 16]>,
    /// Product version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    v: Option<String>,
    /// Last lease.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    j: Option<String>,
    /// Lease before it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    l: Option<String>,
    /// Public key.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    k: Option<[u8; 32]>,
    /// Replaced keys, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty", default, with = "blob")]
    r: Vec<u8>,
    /// Forks.
    #[serde(skip_serializing_if = "is_zero", default)]
    f: u32,
    /// File.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<TokenId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct BindingsItem {
    /// Last domain.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    l: Option<[u8; 32]>,
    /// First domains.
    #[serde(skip_serializing_if = "is_zero", default)]
    f: u8,
    /// Rebinds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    r: Vec<i64>,
    /// Day of the last binding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<Day>,
    /// Bindings on it.
    #[serde(skip_serializing_if = "is_zero", default)]
    c: u8,
}

fn is_zero<T: Copy + Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl LicenseItem {
    /// The licence as it is stored; `plans` are of its terms.
    pub(crate) fn new(license: &License, plans: Plans<'_>) -> Self {
        let (ss, sr) = match license.standing {
            Standing::Live => (None, None),
            Standing::Suspended { since } => (Some(since.unix()), None),
            Standing::Revoked { at } => (None, Some(at.unix())),
        };
        let w = match &license.pending {
            Pending::Nothing => None,
            Pending::Cancellation => Some(String::new()),
            Pending::Change(plan) => Some(plan.to_string()),
        };
        Self {
            p: license.product.clone(),
            k: license.fingerprint_kind,
            c: license.customer,
            i: license.issued_at.unix(),
            ss,
            sr,
            t: TermItem::new(&license.running),
            n: license.next.as_ref().map(TermItem::new),
            w,
            x: license.features.clone(),
            a: license
                .activations
                .iter()
                .map(|(domain, activation)| (keys::fingerprint(domain), ActivationItem::new(activation)))
                .collect(),
            b: BindingsItem::new(&license.bindings),
            q: license.head.seq,
            h: license.head.hash,
            v: license.version,
            u: license.runs_until(plans).unix(),
        }
    }

    /// Reads a licence's item.
    pub(crate) fn read(item: &Item) -> Result<License, StoreError> {
        let content: Self = super::read(item)?;
        let id = item
            .get(keys::PK)
            .and_then(|pk| pk.as_s().ok())
            .and_then(|pk| pk.strip_prefix("LICENSE#"))
            .and_then(|id| id.parse().ok());
        let corrupt = |fault: &str| StoreError::corrupt(item, fault);
        content.license(id.ok_or_else(|| corrupt("its key names no licence"))?).map_err(corrupt)
    }

    fn license(self, id: LicenseId) -> Result<License, &'static str> {
        let standing = match (self.ss, self.sr) {
            (None, None) => Standing::Live,
            (_, Some(at)) => Standing::Revoked { at: instant(at)? },
            (Some(since), None) => Standing::Suspended { since: instant(since)? },
        };
        let pending = match self.w.as_deref() {
            None => Pending::Nothing,
            Some("") => Pending::Cancellation,
            Some(plan) => Pending::Change(plan.parse().map_err(|_| "the pending plan is no slug")?),
        };
        let activations = self.a.into_iter().map(|(key, activation)| Ok((domain(&key)?, activation.activation()?)));
        Ok(License {
            id,
            product: self.p,
            fingerprint_kind: self.k,
            customer: self.c,
            issued_at: instant(self.i)?,
            standing,
            running: self.t.term()?,
            next: self.n.map(TermItem::term).transpose()?,
            pending,
            features: self.x,
            activations: activations.collect::<Result<_, &'static str>>()?,
            bindings: self.b.bindings()?,
            head: Head { seq: self.q, hash: self.h },
            version: self.v,
        })
    }
}

impl TermItem {
    fn new(term: &Term) -> Self {
        let mut item = Self { p: term.plan.plan.clone(), r: term.plan.revision, a: None, e: None, u: None, f: false };
        match term.paid {
            Paid::NotStarted => {}
            Paid::Through { anchor, through } => (item.a, item.e) = (Some(anchor), Some(through)),
            Paid::Until(until) => item.u = Some(until.unix()),
            Paid::Forever => item.f = true,
        }
        item
    }

    fn term(self) -> Result<Term, &'static str> {
        let paid = match (self.a, self.e, self.u, self.f) {
            (None, None, None, false) => Paid::NotStarted,
            (Some(anchor), Some(through), None, false) => Paid::Through { anchor, through },
            (None, None, Some(until), false) => Paid::Until(instant(until)?),
            (None, None, None, true) => Paid::Forever,
            _ => return Err("a term is paid in two ways at once"),
        };
        Ok(Term { plan: PlanRef { plan: self.p, revision: self.r }, paid })
    }
}

impl ActivationItem {
    fn new(activation: &Activation) -> Self {
        let seen = activation.seen.as_ref();
        Self {
            i: activation.id,
            b: activation.bound_at.unix(),
            s: seen.map(|seen| seen.at.unix()),
            n: seen.map(|seen| seen.instance_id),
            v: seen.and_then(|seen| seen.product_version.clone()),
            j: seen.map(|seen| seen.lease.to_string()),
            l: seen.and_then(|seen| seen.previous_lease).map(|lease| lease.to_string()),
            k: activation.public_key,
            r: activation.replaced_keys.concat(),
            f: activation.forks,
            d: activation.file,
        }
    }

    fn activation(self) -> Result<Activation, &'static str> {
        let seen = match (self.s, self.n, self.j) {
            (Some(at), Some(instance_id), Some(lease)) => Some(Seen {
                at: instant(at)?,
                instance_id,
                product_version: self.v,
                lease: lease.parse().map_err(|_| "a lease's id is no ULID")?,
                previous_lease: lease_id(self.l.as_deref())?,
            }),
            (None, None, None) => None,
            _ => return Err("an activation is seen by halves"),
        };
        Ok(Activation {
            id: self.i,
            bound_at: instant(self.b)?,
            seen,
            public_key: self.k,
            replaced_keys: keys_of(&self.r)?,
            forks: self.f,
            file: self.d,
        })
    }
}

impl BindingsItem {
    fn new(bindings: &Bindings) -> Self {
        Self {
            l: bindings.last.map(|domain| domain.0),
            f: bindings.first_domains,
            r: bindings.rebinds.iter().map(|at| at.unix()).collect(),
            d: bindings.today.map(|(day, _)| day),
            c: bindings.today.map_or(0, |(_, count)| count),
        }
    }

    fn bindings(self) -> Result<Bindings, &'static str> {
        Ok(Bindings {
            last: self.l.map(FingerprintValue),
            first_domains: self.f,
            rebinds: self.r.into_iter().map(instant).collect::<Result<_, _>>()?,
            today: self.d.map(|day| (day, self.c)),
        })
    }
}

/// What a transition changes, as an update of the item: attributes that it leaves alone are not written, so that a
/// stamp made meanwhile stays.
pub(crate) fn changes(
    before: &License,
    after: &License,
    plans_before: Plans<'_>,
    plans_after: Plans<'_>,
) -> Result<Expression, StoreError> {
    let attributes = |license: &License, plans| -> Result<Item, StoreError> {
        let mut item: Item =
            serde_dynamo::to_item(LicenseItem::new(license, plans)).map_err(StoreError::unavailable)?;
        item.remove(names::ACTIVATIONS);
        Ok(item)
    };
    let (old, new) = (attributes(before, plans_before)?, attributes(after, plans_after)?);
    let mut expression = Expression::default();
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        match (old.get(name), new.get(name)) {
            (before, Some(after)) if before != Some(after) => expression.set(&[name], after.clone()),
            (Some(_), None) => expression.remove(&[name]),
            _ => &mut expression,
        };
    }
    activation_changes(before, after, &mut expression)?;
    expression.if_compares(&[names::VERSION], "=", super::number(before.version));
    Ok(expression)
}

fn activation_changes(before: &License, after: &License, expression: &mut Expression) -> Result<(), StoreError> {
    for (domain, activation) in &after.activations {
        let key = keys::fingerprint(domain);
        match before.activations.get(domain) {
            None => {
                let raw: Raw = serde_dynamo::to_attribute_value(ActivationItem::new(activation))
                    .map_err(StoreError::unavailable)?;
                expression.set(&[names::ACTIVATIONS, &key], AttributeValue::from(raw));
            }
            Some(known) => {
                let bytes = |key: &Option<[u8; 32]>| key.iter().flatten().copied().collect::<Vec<u8>>();
                for (name, old, new) in [
                    (names::PUBLIC_KEY, bytes(&known.public_key), bytes(&activation.public_key)),
                    (names::REPLACED_KEYS, known.replaced_keys.concat(), activation.replaced_keys.concat()),
                ] {
                    if new.is_empty() && !old.is_empty() {
                        expression.remove(&[names::ACTIVATIONS, &key, name]);
                    } else if new != old {
                        expression.set(&[names::ACTIVATIONS, &key, name], super::binary(&new));
                    }
                }
                if let Some(seen) = activation.seen.as_ref().filter(|_| known.seen != activation.seen) {
                    let version = seen.product_version.as_deref();
                    record_check(expression, &key, seen.at, &seen.instance_id, version, seen.lease);
                }
                if let Some(file) = activation.file.filter(|_| known.file != activation.file) {
                    expression.set(&[names::ACTIVATIONS, &key, names::FILE], super::text(file));
                }
            }
        }
    }
    for domain in before.activations.keys().filter(|domain| !after.activations.contains_key(domain)) {
        expression.remove(&[names::ACTIVATIONS, &keys::fingerprint(domain)]);
    }
    Ok(())
}

/// Records a check in the activation of a domain. The lease before is the one that is there at that instant.
pub(crate) fn record_check(
    expression: &mut Expression,
    domain: &str,
    at: Timestamp,
    instance_id: &[u8; 16],
    product_version: Option<&str>,
    lease: TokenId,
) {
    let of = |name: &'static str| [names::ACTIVATIONS, domain, name];
    expression
        .set(&of(names::SEEN), super::number(at.unix()))
        .set(&of(names::INSTANCE), super::binary(instance_id))
        .copy(&of(names::PREVIOUS_LEASE), &of(names::LEASE), super::text(names::NO_LEASE))
        .set(&of(names::LEASE), super::text(lease));
    match product_version {
        Some(version) => expression.set(&of(names::PRODUCT_VERSION), super::text(version)),
        None => expression.remove(&of(names::PRODUCT_VERSION)),
    };
}

fn keys_of(bytes: &[u8]) -> Result<Vec<[u8; 32]>, &'static str> {
    let (keys, rest) = bytes.as_chunks();
    if rest.is_empty() { Ok(keys.to_vec()) } else { Err("replaced keys are not of 32 bytes each") }
}

fn instant(seconds: i64) -> Result<Timestamp, &'static str> {
    Timestamp::from_unix(seconds).ok_or("a time is out of range")
}

fn domain(key: &str) -> Result<FingerprintValue, &'static str> {
    let mut value = [0; 32];
    match Base64UrlUnpadded::decode(key, &mut value) {
        Ok(bytes) if bytes.len() == 32 => Ok(FingerprintValue(value)),
        _ => Err("an activation's key is no fingerprint"),
    }
}

fn lease_id(text: Option<&str>) -> Result<Option<TokenId>, &'static str> {
    text.filter(|text| *text != names::NO_LEASE)
        .map(|text| text.parse().map_err(|_| "a lease's id is no ULID"))
        .transpose()
}
