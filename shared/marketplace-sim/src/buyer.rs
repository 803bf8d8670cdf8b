//! What buyers do: each act changes one purchase or two, and tells the seller by events, as AWS does.

use std::io;

use base64ct::{Base64, Encoding};
use marque_core::Timestamp;
use serde_json::Value;

use crate::events::{Happening, Told, event};
use crate::listing::{DimensionKind, Listing, Pricing};
use crate::marketplace::{Marketplace, State};
use crate::purchase::{Ending, Entitled, Grant, Intent, Purchase, Stage};
use crate::world::Change;

/// A purchase to be made.
#[derive(Debug, Clone)]
pub struct Order {
    /// Of which product.
    pub product_code: String,
    /// How it is paid.
    pub pricing: Pricing,
    /// What is bought up front.
    pub entitlements: Vec<Entitled>,
    /// The buyer's account, 12 digits; some account when none is given.
    pub account: Option<String>,
    /// Payment is confirmed at once; else by [`Marketplace::pay`].
    pub paid: bool,
    /// A channel partner made the offer, so that the seller is told as the manufacturer alone.
    pub via_partner: bool,
    /// At its end the term moves on by a year, without an event.
    pub auto_renew: bool,
}

impl Order {
    /// A paid purchase by some account.
    #[must_use]
    pub fn new(product_code: &str, pricing: Pricing, entitlements: Vec<Entitled>) -> Self {
        Self {
            product_code: product_code.to_owned(),
            pricing,
            entitlements,
            account: None,
            paid: true,
            via_partner: false,
            auto_renew: false,
        }
    }
}

/// What a buyer holds after a purchase.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// `agmt-…`.
    pub agreement: String,
    /// As ResolveCustomer gives it.
    pub license_arn: String,
    /// What "Set up your account" posts.
    pub token: String,
    /// What was sent to the seller.
    pub events: Vec<Value>,
}

/// A purchase as its buyer sees it.
#[derive(Debug, Clone)]
pub struct Overview {
    /// `agmt-…`.
    pub agreement: String,
    /// Of which product.
    pub product_code: String,
    /// `pending`, `active` or the status that it ended with.
    pub stage: &'static str,
    /// Whether anything can still be done to it.
    pub over: bool,
}

/// Why an act is not possible.
#[derive(Debug, thiserror::Error)]
pub enum Objection {
    /// There is no such agreement.
    #[error("there is no agreement of this id")]
    Unknown,
    /// The agreement's state forbids it.
    #[error("the agreement is {0}")]
    State(&'static str),
    /// The order makes no sense.
    #[error("{0}")]
    Order(String),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] io::Error),
}

/// Changes and events of one act, committed together.
struct Act<'a> {
    marketplace: &'a Marketplace,
    state: &'a mut State,
    now: Timestamp,
    changes: Vec<Change>,
    events: Vec<Value>,
}

impl Marketplace {
    /// A buyer subscribes.
    ///
    /// # Errors
    /// [`Objection::Order`] when the listing does not offer what is ordered.
    pub fn purchase(&self, order: Order) -> Result<Receipt, Objection> {
        let mut state = self.lock();
        let listing = self.shared().listing(&order.product_code);
        let listing = listing.ok_or_else(|| Objection::Order("no product of this code is listed".to_owned()))?;
        check_grant(listing, order.pricing, &order.entitlements)?;
        let mut act = Act::begin(self, &mut state)?;
        let account = match order.account {
            Some(account) if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) => account,
            Some(_) => return Err(Objection::Order("an account is 12 digits".to_owned())),
            None => act.account(),
        };
        let mut purchase = act.bought(&order.product_code, order.pricing, &account, order.entitlements);
        purchase.via_partner = order.via_partner;
        purchase.auto_renew = order.auto_renew;
        act.tell(&purchase, Happening::Created);
        if order.paid {
            purchase.stage = Stage::Active { since: act.now };
            act.tell(&purchase, Happening::LicenseUpdated);
        }
        let token = act.token(&purchase);
        act.keep(&purchase);
        act.receipt(&purchase, token)
    }

    /// Payment is confirmed: License Updated.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] unless payment is awaited.
    pub fn pay(&self, agreement: &str) -> Result<Vec<Value>, Objection> {
        self.change(agreement, |act, purchase| match purchase.stage {
            Stage::Pending => {
                purchase.stage = Stage::Active { since: act.now };
                act.tell(purchase, Happening::LicenseUpdated);
                Ok(())
            }
            Stage::Active { .. } => Err(Objection::State("paid already")),
            Stage::Ended { .. } => Err(Objection::State("over")),
        })
    }

    /// Payment fails: Ended.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] when it is over.
    pub fn fail_payment(&self, agreement: &str) -> Result<Vec<Value>, Objection> {
        self.change(agreement, |act, purchase| {
            let provisioned = purchase.since().is_some();
            act.end(purchase, Ending::Cancelled)?;
            if provisioned {
                act.tell(purchase, Happening::LicenseDeprovisioned);
            }
            Ok(())
        })
    }

    /// The buyer or the seller cancels: Ended and License Deprovisioned at once.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] when it is over.
    pub fn cancel(&self, agreement: &str) -> Result<Vec<Value>, Objection> {
        self.change(agreement, |act, purchase| {
            act.end(purchase, Ending::Cancelled)?;
            act.tell(purchase, Happening::LicenseDeprovisioned);
            Ok(())
        })
    }

    /// Other quantities under the same agreement: Amended and License Updated.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] unless it is paid and running, [`Objection::Order`].
    pub fn amend(&self, agreement: &str, entitlements: Vec<Entitled>) -> Result<Vec<Value>, Objection> {
        self.change(agreement, |act, purchase| {
            check_grant(act.listing(purchase)?, purchase.pricing, &entitlements)?;
            match purchase.stage {
                Stage::Active { .. } => {
                    purchase.grants.push(Grant { from: act.now, entitlements });
                    act.tell(purchase, Happening::Amended);
                    act.tell(purchase, Happening::LicenseUpdated);
                    Ok(())
                }
                Stage::Pending => Err(Objection::State("not paid yet")),
                Stage::Ended { .. } => Err(Objection::State("over")),
            }
        })
    }

    /// A new agreement under new ids takes the old one's place, which ends as RENEWED.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] unless it is paid and running, [`Objection::Order`].
    pub fn renew(&self, agreement: &str, entitlements: Option<Vec<Entitled>>) -> Result<Receipt, Objection> {
        self.succeed(agreement, Intent::Renew, entitlements)
    }

    /// As [`renew`](Self::renew), but the old one ends as REPLACED.
    ///
    /// # Errors
    /// As there.
    pub fn replace(&self, agreement: &str, entitlements: Option<Vec<Entitled>>) -> Result<Receipt, Objection> {
        self.succeed(agreement, Intent::Replace, entitlements)
    }

    /// The buyer clicks "Set up your account" again: a new token.
    ///
    /// # Errors
    /// [`Objection::Unknown`], [`Objection::State`] when it is over.
    pub fn token(&self, agreement: &str) -> Result<String, Objection> {
        let mut token = String::new();
        self.change(agreement, |act, purchase| match purchase.stage {
            Stage::Ended { .. } => Err(Objection::State("over")),
            _ => {
                token = act.token(purchase);
                Ok(())
            }
        })?;
        Ok(token)
    }

    /// Every purchase, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn purchases(&self) -> io::Result<Vec<Overview>> {
        let mut state = self.lock();
        self.lapse(&mut state)?;
        let mut purchases: Vec<&Purchase> = state.world.purchases.values().collect();
        purchases.sort_by_key(|purchase| std::cmp::Reverse((purchase.start, purchase.since())));
        let overview = |purchase: &&Purchase| Overview {
            agreement: purchase.agreement.clone(),
            product_code: purchase.product_code.clone(),
            stage: match purchase.stage {
                Stage::Pending => "pending",
                Stage::Active { .. } => "active",
                Stage::Ended { how, .. } => how.status(),
            },
            over: purchase.ended_at().is_some(),
        };
        Ok(purchases.iter().map(overview).collect())
    }

    /// Lets what has run out by now run out: an agreement expires, or moves its end on without a word.
    pub(crate) fn lapse(&self, state: &mut State) -> io::Result<()> {
        let now = self.now();
        let over = |purchase: &&Purchase| {
            matches!(purchase.stage, Stage::Active { .. }) && purchase.end.is_some_and(|end| end <= now)
        };
        let over: Vec<Purchase> = state.world.purchases.values().filter(over).cloned().collect();
        let mut act = Act { marketplace: self, state, now, changes: Vec::new(), events: Vec::new() };
        for mut purchase in over {
            while let (true, Some(end)) = (purchase.auto_renew, purchase.end.filter(|end| *end <= now)) {
                purchase.end = Purchase::term(purchase.pricing, end);
            }
            if let Some(end) = purchase.end.filter(|end| *end <= now) {
                purchase.stage = Stage::Ended { since: purchase.since(), at: end, how: Ending::Expired };
                act.tell(&purchase, Happening::Ended);
                act.tell(&purchase, Happening::LicenseDeprovisioned);
            }
            act.keep(&purchase);
        }
        act.commit().map(drop)
    }

    fn succeed(
        &self,
        agreement: &str,
        intent: Intent,
        entitlements: Option<Vec<Entitled>>,
    ) -> Result<Receipt, Objection> {
        let mut state = self.lock();
        let mut act = Act::begin(self, &mut state)?;
        let mut old = act.state.world.purchases.get(agreement).cloned().ok_or(Objection::Unknown)?;
        if !matches!(old.stage, Stage::Active { .. }) {
            return Err(Objection::State(if old.ended_at().is_some() { "over" } else { "not paid yet" }));
        }
        let kept = || old.grants.last().map(|grant| grant.entitlements.clone()).unwrap_or_default();
        let entitlements = entitlements.unwrap_or_else(kept);
        check_grant(act.listing(&old)?, old.pricing, &entitlements)?;
        let mut new = act.bought(&old.product_code, old.pricing, &old.account, entitlements);
        new.intent = intent;
        new.previous = Some(old.agreement.clone());
        new.initial.clone_from(&old.initial);
        new.via_partner = old.via_partner;
        new.auto_renew = old.auto_renew;
        if intent == Intent::Renew
            && let Some(end) = old.end
        {
            new.end = Purchase::term(new.pricing, end);
        }
        act.tell(&new, Happening::Created);
        new.stage = Stage::Active { since: act.now };
        act.tell(&new, Happening::LicenseUpdated);
        act.end(&mut old, intent.ending())?;
        let token = act.token(&new);
        act.keep(&old);
        act.keep(&new);
        act.receipt(&new, token)
    }

    fn change(
        &self,
        agreement: &str,
        how: impl FnOnce(&mut Act<'_>, &mut Purchase) -> Result<(), Objection>,
    ) -> Result<Vec<Value>, Objection> {
        let mut state = self.lock();
        let mut act = Act::begin(self, &mut state)?;
        let mut purchase = act.state.world.purchases.get(agreement).cloned().ok_or(Objection::Unknown)?;
        how(&mut act, &mut purchase)?;
        act.keep(&purchase);
        Ok(act.commit()?)
    }
}

impl<'a> Act<'a> {
    fn begin(marketplace: &'a Marketplace, state: &'a mut State) -> Result<Self, Objection> {
        marketplace.lapse(state)?;
        Ok(Self { marketplace, now: marketplace.now(), state, changes: Vec::new(), events: Vec::new() })
    }

    fn listing(&self, purchase: &Purchase) -> Result<&'a Listing, Objection> {
        let listing = self.marketplace.shared().listing(&purchase.product_code);
        listing.ok_or_else(|| Objection::Order("the product is listed no more".to_owned()))
    }

    /// A new purchase whose payment is awaited.
    fn bought(&mut self, product_code: &str, pricing: Pricing, account: &str, granted: Vec<Entitled>) -> Purchase {
        let agreement = format!("agmt-{}", &self.state.world.draw("agreement")[..25]);
        Purchase {
            license: format!("l-{}", &self.state.world.draw("license")[..32]),
            product_code: product_code.to_owned(),
            account: account.to_owned(),
            offer: format!("offer-{}", &self.state.world.draw("offer")[..13]),
            pricing,
            intent: Intent::New,
            previous: None,
            initial: agreement.clone(),
            agreement,
            via_partner: false,
            auto_renew: false,
            start: self.now,
            end: Purchase::term(pricing, self.now),
            grants: vec![Grant { from: self.now, entitlements: granted }],
            stage: Stage::Pending,
        }
    }

    fn account(&mut self) -> String {
        let hex = self.state.world.draw("account");
        let number = u64::from_str_radix(&hex[..15], 16).unwrap_or_default();
        format!("{:012}", 100_000_000_000 + number % 900_000_000_000)
    }

    fn token(&mut self, purchase: &Purchase) -> String {
        let secret = self.state.world.draw("token");
        let token = Base64::encode_string(format!("{secret}{}", self.state.world.draw("token")).as_bytes());
        let agreement = purchase.agreement.clone();
        self.changes.push(Change::Token { token: token.clone(), agreement, made: self.now });
        token
    }

    fn end(&mut self, purchase: &mut Purchase, how: Ending) -> Result<(), Objection> {
        if purchase.ended_at().is_some() {
            return Err(Objection::State("over"));
        }
        purchase.stage = Stage::Ended { since: purchase.since(), at: self.now, how };
        self.tell(purchase, Happening::Ended);
        Ok(())
    }

    fn tell(&mut self, purchase: &Purchase, happening: Happening) {
        let Ok(listing) = self.listing(purchase) else { return };
        let id = uuid(&self.state.world.draw("event"));
        let request_id = uuid(&self.state.world.draw("request"));
        let told = Told { seller: &self.marketplace.shared().seller.account, listing, id, request_id };
        let at = purchase.ended_at().unwrap_or(self.now);
        let event = event(purchase, happening, at, &told);
        self.changes.push(Change::Event(event.clone()));
        self.events.push(event);
    }

    fn keep(&mut self, purchase: &Purchase) {
        self.changes.push(Change::Purchase(Box::new(purchase.clone())));
    }

    fn commit(self) -> io::Result<Vec<Value>> {
        self.state.world.commit(self.changes)?;
        Ok(self.events)
    }

    fn receipt(self, purchase: &Purchase, token: String) -> Result<Receipt, Objection> {
        let (agreement, license_arn) = (purchase.agreement.clone(), purchase.license_arn());
        Ok(Receipt { agreement, license_arn, token, events: self.commit()? })
    }
}

fn check_grant(listing: &Listing, pricing: Pricing, entitlements: &[Entitled]) -> Result<(), Objection> {
    if pricing == Pricing::Contract && entitlements.is_empty() {
        return Err(Objection::Order("a contract buys at least one dimension".to_owned()));
    }
    for entitled in entitlements {
        if !listing.has(&entitled.dimension, DimensionKind::Entitled) && pricing != Pricing::ContractWithConsumption
            || !listing.dimensions.iter().any(|known| known.name == entitled.dimension)
        {
            return Err(Objection::Order(format!("no dimension {:?} can be bought up front", entitled.dimension)));
        }
        if !(entitled.value.is_number() || entitled.value.is_boolean() || entitled.value.is_string()) {
            return Err(Objection::Order("a value is a number, a truth value or a text".to_owned()));
        }
    }
    Ok(())
}

fn uuid(hex: &str) -> String {
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
