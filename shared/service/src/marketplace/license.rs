//! What becomes of a chain's licence: it is made once someone has registered and something is paid, and follows from
//! then on.

use marque_core::agreement::{Chain, Cover, EntitlementValue};
use marque_core::event::What;
use marque_core::listing::Effect;
use marque_core::{Actor, AgreementId, Event, License, LicenseCode, LicenseId, Offer, Plan, Plans, Slug, Timestamp};
use marque_store::{Along, Change, IssueLicense, LicenseChange, StoreError};

use serde_json::{Map, Value};

use super::entitlements::json;
use super::shop::{Listed, Shop};
use crate::app::LicensePlans;
use crate::chance;
use crate::history::new_event;
use crate::mail::Announcement;
use crate::problem::Error;

/// A change of a licence, with everything that it is written from.
pub(super) enum LicensePlan {
    Nothing,
    Issue(Box<Issue>),
    Follow(Box<Follow>),
}

pub(super) struct Issue {
    license: License,
    plan: Plan,
    code: LicenseCode,
    event: Event,
    announcement: Announcement,
}

pub(super) struct Follow {
    before: License,
    after: License,
    plans: LicensePlans,
    plans_after: LicensePlans,
    event: Event,
}

impl LicensePlan {
    /// Judges what becomes of the licence, and lets the chain know of one that is made.
    pub(super) async fn of(shop: &Shop, chain: &mut Chain, now: Timestamp) -> Result<Self, Error> {
        let Some(cover) = chain.cover() else { return Ok(Self::Nothing) };
        match (chain.license, chain.customer) {
            (Some(id), _) => Self::follow(shop, chain, id, cover, now).await,
            // What is over before anybody registered needs no licence.
            (None, Some(_)) if cover.until > now => Self::issue(shop, chain, cover, now).await,
            _ => Ok(Self::Nothing),
        }
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    pub(super) fn change(&self) -> LicenseChange<'_> {
        match self {
            Self::Nothing => LicenseChange::Nothing,
            Self::Issue(issue) => LicenseChange::Issue(IssueLicense {
                license: &issue.license,
                plans: Plans { running: &issue.plan, next: None },
                code: &issue.code,
                event: &issue.event,
            }),
            Self::Follow(follow) => LicenseChange::Follow(Change {
                before: &follow.before,
                after: &follow.after,
                plans_before: follow.plans.as_ref(),
                plans_after: follow.plans_after.as_ref(),
                event: &follow.event,
            }),
        }
    }

    /// Writes the mail that the change is worth with it.
    pub(super) fn goes(&self, along: &mut Along, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Issue(issue) => issue.announcement.goes(along, now),
            Self::Nothing | Self::Follow(_) => Ok(()),
        }
    }

    /// Sends it, once the change is made.
    pub(super) async fn send(self, shop: &Shop, now: Timestamp) {
        if let Self::Issue(issue) = self {
            issue.announcement.send(shop.app(), now).await;
        }
    }

    async fn issue(shop: &Shop, chain: &mut Chain, cover: Cover, now: Timestamp) -> Result<Self, Error> {
        let Some(customer) = chain.customer else { return Ok(Self::Nothing) };
        let listed = listing_of(shop, chain, now).await?;
        let offer = offer_of(shop, chain, &listed).await?;
        let id = LicenseId::new(now, chance::draw());
        let kind = listed.product.fingerprint_kind;
        let issued = License::issue(id, chain.product.clone(), kind, customer, &offer, now, now);
        let mut license = issued.follow(cover, &offer, &limits(chain, &listed)).unwrap_or(issued);
        license.version = 0;
        let (plan, revision) = (offer.reference.plan.clone(), offer.reference.revision);
        let what = What::Issued { customer, plan, revision, percent: 0 };
        let event = new_event(&license, Actor::System, what, now);
        license.head = event.head();
        chain.license = Some(id);
        let code = LicenseCode::generate(chance::draw());
        let announcement = Announcement::of(&event, &license);
        Ok(Self::Issue(Box::new(Issue { license, plan: offer.plan, code, event, announcement })))
    }

    async fn follow(shop: &Shop, chain: &Chain, id: LicenseId, cover: Cover, now: Timestamp) -> Result<Self, Error> {
        let corrupt =
            || StoreError::Corrupt { item: id.to_string(), fault: "a chain names it and it is not there".to_owned() };
        let before = shop.app().store().license(id).await?.ok_or_else(corrupt)?;
        let listed = listing_of(shop, chain, now).await?;
        let offer = offer_of(shop, chain, &listed).await?;
        let Some(after) = before.follow(cover, &offer, &limits(chain, &listed)) else { return Ok(Self::Nothing) };
        let reference = after.running.plan.clone();
        let what = What::FollowedAgreement {
            agreement: chain.current().id,
            plan: reference.plan.clone(),
            revision: reference.revision,
            through: Some(cover.until).filter(|until| *until < Timestamp::MAX),
            grace: cover.grace,
        };
        Self::changed(shop, before, after, what, now).await
    }

    /// A comparison has mended an agreement, and the licence is as it should be: its history tells.
    pub(super) async fn mended(
        shop: &Shop,
        agreement: AgreementId,
        id: LicenseId,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let Some(before) = shop.app().store().license(id).await? else { return Ok(Self::Nothing) };
        let after = before.clone().noted();
        Self::changed(shop, before, after, What::AgreementMended { agreement }, now).await
    }

    async fn changed(
        shop: &Shop,
        before: License,
        mut after: License,
        what: What,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let event = new_event(&before, Actor::System, what, now);
        after.head = event.head();
        let plans = shop.app().plans(&before).await?;
        let plans_after = shop.app().plans(&after).await?;
        Ok(Self::Follow(Box::new(Follow { before, after, plans, plans_after, event })))
    }
}

/// The listing that the current agreement bought. A listing that was taken out of the product's table is a fault of the
/// publisher's, and must not stop who has paid: it is said, and tried again.
async fn listing_of(shop: &Shop, chain: &Chain, now: Timestamp) -> Result<Listed, Error> {
    let code = &chain.current().product_code;
    let listed = shop.listed(Some(code), None, now).await?;
    listed.ok_or_else(|| Error::Unavailable { cause: format!("no product lists {code} in the marketplace any more") })
}

/// The plan that the agreement names, by its entitlement to a dimension whose effect is `plan`, else the listing's.
async fn offer_of(shop: &Shop, chain: &Chain, listed: &Listed) -> Result<Offer, Error> {
    let store = shop.app().store();
    for plan in plans_named(chain, listed) {
        if let Some(offer) = store.plan(&chain.product, &plan).await? {
            return Ok(offer);
        }
    }
    let plan = &listed.listing.plan;
    let missing = || Error::Unavailable { cause: format!("the listing's plan {plan} is not there") };
    store.plan(&chain.product, plan).await?.ok_or_else(missing)
}

/// What the licence switches on: the values of the dimensions whose effect is `limit`.
fn limits(chain: &Chain, listed: &Listed) -> Map<String, Value> {
    let entitlements = chain.current().entitlements().iter();
    let limits = entitlements.filter(|entitlement| effect(listed, &entitlement.dimension) == Some(Effect::Limit));
    limits.map(|entitlement| (entitlement.dimension.clone(), json(&entitlement.value))).collect()
}

fn effect(listed: &Listed, dimension: &str) -> Option<Effect> {
    let known = listed.listing.dimensions.iter().find(|known| known.name.as_str() == dimension);
    known.map(|known| known.effect)
}

/// By its value where that is a word, else by its own name: tiers are dimensions of their own, and bought as `Enabled`.
fn plans_named(chain: &Chain, listed: &Listed) -> Vec<Slug> {
    let entitlements = chain.current().entitlements().iter();
    let named = entitlements.filter(|entitlement| effect(listed, &entitlement.dimension) == Some(Effect::Plan));
    let slugs = named.flat_map(|entitlement| {
        let word = match &entitlement.value {
            EntitlementValue::Text(word) => word.parse().ok(),
            _ => None,
        };
        [word, entitlement.dimension.parse().ok()]
    });
    slugs.flatten().collect()
}
