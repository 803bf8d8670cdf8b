//! What becomes of the lines of an import: judged together, then made side by side, those of one person in their order.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, stream};
use marque_core::code::CodeDigest;
use marque_core::customer::PersonDigest;
use marque_core::plan::{Starts, Terms};
use marque_core::{
    Customer, CustomerId, Kind, License, LicenseId, Offer, PlanRef, Plans, Product, Slug, Timestamp, What,
};
use marque_store::{Along, Committed, IssueLicense, StoreError};

use super::customers::NewCustomer;
use super::imports::Line;
use super::{Caller, files};
use crate::history::new_event;
use crate::problem::{Error, Fault};
use crate::validate::TRIES;
use crate::{App, chance};

/// So many people's lines are under way at once: enough to hide the table's latency, and few enough for the partitions of a
/// month and of all customers, which take 500 transactions a second each.
const AT_ONCE: usize = 4;
/// More customers than these are never of one person.
const CUSTOMERS_OF_A_PERSON: i32 = 100;

/// A line's licence, none where a dry run would make it, or why it is refused.
pub(super) type Outcome = Result<Option<LicenseId>, Vec<Fault>>;

/// Imports lines for a caller.
pub(super) struct Importer<'a> {
    pub(super) app: &'a App,
    pub(super) caller: &'a Caller,
    pub(super) dry_run: bool,
    pub(super) now: Timestamp,
}

/// The products and plans that lines name; none where there is no such thing.
type Offers<'a> = HashMap<(&'a Slug, &'a Slug), Option<(Product, Offer)>>;

/// A line that product, plan and the other lines have nothing against.
struct Sound<'a> {
    /// Its place among the lines.
    at: usize,
    line: &'a Line,
    product: &'a Product,
    offer: &'a Offer,
    /// The licence of its code, if there is one already.
    known: Option<LicenseId>,
}

fn fault<T>(pointer: &str, detail: impl Into<String>) -> Result<T, Vec<Fault>> {
    Err(vec![Fault { pointer: pointer.to_owned(), detail: detail.into() }])
}

impl Importer<'_> {
    /// What becomes of each line, in their order.
    pub(super) async fn import(&self, lines: &[Result<Line, Vec<Fault>>]) -> Result<Vec<Outcome>, Error> {
        let offers = self.offers(lines).await?;
        let mut seen = HashMap::new();
        let (mut outcomes, mut sound) = (Vec::new(), Vec::new());
        for (at, line) in lines.iter().enumerate() {
            let judged = match line {
                Ok(line) => self.judge(at, line, &offers, &mut seen),
                Err(faults) => Err(faults.clone()),
            };
            outcomes.push(judged.map(|line| sound.push(line)).map(|()| None));
        }
        let codes: Vec<_> = sound.iter().map(|sound| sound.line.code.digest()).collect();
        let known = self.app.store().licenses_by_codes(&codes).await?;
        let mut people: BTreeMap<PersonDigest, Vec<usize>> = BTreeMap::new();
        for (place, sound) in sound.iter_mut().enumerate() {
            sound.known = known.get(&sound.line.code.digest()).copied();
            people.entry(sound.line.customer.email.person()).or_default().push(place);
        }
        let sound = &sound[..];
        let mut work =
            stream::iter(people.into_values()).map(|places| self.person(places, sound)).buffer_unordered(AT_ONCE);
        while let Some(done) = work.next().await {
            for (at, outcome) in done? {
                outcomes[at] = outcome;
            }
        }
        Ok(outcomes)
    }

    async fn offers<'l>(&self, lines: &'l [Result<Line, Vec<Fault>>]) -> Result<Offers<'l>, Error> {
        let mut offers = Offers::new();
        for line in lines.iter().flatten() {
            if let Entry::Vacant(unknown) = offers.entry((&line.product, &line.plan)) {
                let product = self.app.store().product(&line.product).await?;
                let plan = self.app.store().plan(&line.product, &line.plan).await?;
                unknown.insert(product.zip(plan));
            }
        }
        Ok(offers)
    }

    fn judge<'l>(
        &self,
        at: usize,
        line: &'l Line,
        offers: &'l Offers<'l>,
        seen: &mut HashMap<CodeDigest, usize>,
    ) -> Result<Sound<'l>, Vec<Fault>> {
        if let Some(earlier) = seen.insert(line.code.digest(), at + 1) {
            return fault("/code", format!("is on line {earlier} already"));
        }
        let Some(Some((product, offer))) = offers.get(&(&line.product, &line.plan)) else {
            return fault("/plan", "there is no such plan of such a product");
        };
        let faults = faults(line, product, offer, self.now);
        if faults.is_empty() { Ok(Sound { at, line, product, offer, known: None }) } else { Err(faults) }
    }

    /// The lines of one person, one after the other: those of one customer find the customer that the first has made.
    async fn person(&self, places: Vec<usize>, sound: &[Sound<'_>]) -> Result<Vec<(usize, Outcome)>, Error> {
        let (mut customers, mut outcomes) = (None, Vec::new());
        for place in places {
            let sound = &sound[place];
            outcomes.push((sound.at, self.line(sound, &mut customers).await?));
        }
        Ok(outcomes)
    }

    async fn line(&self, sound: &Sound<'_>, customers: &mut Option<Vec<Customer>>) -> Result<Outcome, Error> {
        let mut known = sound.known;
        for _ in 0..TRIES {
            if let Some(id) = known {
                return self.imported_before(sound, id).await;
            }
            if self.domain_had_another_trial(sound, None).await? {
                return Ok(fault("/fingerprint", HAD_A_TRIAL));
            }
            if self.dry_run {
                return Ok(Ok(None));
            }
            match self.issue(sound, customers).await? {
                Some(id) if sound.line.fingerprint.is_none() => return Ok(Ok(Some(id))),
                Some(id) => known = Some(id),
                // Somebody else has made it, or the customer, meanwhile.
                None => {
                    *customers = None;
                    let code = sound.line.code.digest();
                    known = self.app.store().licenses_by_codes(&[code]).await?.get(&code).copied();
                }
            }
        }
        Err(StoreError::Contention { item: "an imported licence".to_owned() }.into())
    }

    /// The licence of a line's code, if it is this line's; its domain is bound if it never had one.
    async fn imported_before(&self, sound: &Sound<'_>, id: LicenseId) -> Result<Outcome, Error> {
        let line = sound.line;
        for _ in 0..TRIES {
            let license = self.app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
            if license.product != line.product {
                return Ok(fault("/code", "is the code of a licence of another product"));
            }
            let owner = self.app.store().customer(license.customer).await?;
            if owner.is_some_and(|owner| owner.email.person() != line.customer.email.person()) {
                return Ok(fault("/code", "is the code of another customer's licence"));
            }
            let Some(fingerprint) = line.fingerprint.filter(|_| license.bindings.last.is_none() && !self.dry_run)
            else {
                return Ok(Ok(Some(id)));
            };
            if self.domain_had_another_trial(sound, Some(id)).await? {
                return Ok(fault("/fingerprint", HAD_A_TRIAL));
            }
            let plans = self.app.plans(&license).await?;
            if files::bind(self.app, &license, &plans, fingerprint, self.caller, self.now).await? == Committed::Done {
                return Ok(Ok(Some(id)));
            }
        }
        Err(StoreError::Contention { item: id.to_string() }.into())
    }

    async fn domain_had_another_trial(&self, sound: &Sound<'_>, own: Option<LicenseId>) -> Result<bool, Error> {
        let Some(fingerprint) = sound.line.fingerprint.filter(|_| sound.offer.plan.kind() == Kind::Trial) else {
            return Ok(false);
        };
        let had = self.app.store().trial_in(&sound.product.slug, &fingerprint.value).await?;
        Ok(had.is_some() && had != own)
    }

    /// Makes a line's licence, and its customer if they are new; `None` when somebody else made it meanwhile.
    async fn issue(
        &self,
        sound: &Sound<'_>,
        customers: &mut Option<Vec<Customer>>,
    ) -> Result<Option<LicenseId>, Error> {
        let (app, now, Sound { line, product, offer, .. }) = (self.app, self.now, sound);
        let mut along = Along::default();
        let known = match customers {
            Some(known) => known,
            None => customers.insert(self.customers_of(&line.customer).await?),
        };
        let (customer, made) = match known.iter().find(|known| line.customer.is(known)) {
            Some(known) => (known.id, None),
            None => {
                let customer = line.customer.customer(CustomerId::new(now, chance::draw()));
                along.add_customer(&customer)?;
                (customer.id, Some(customer))
            }
        };
        let id = LicenseId::new(now, chance::draw());
        let (slug, kind, start) = (product.slug.clone(), product.fingerprint_kind, line.starts_at.unwrap_or(now));
        let mut license = License::issue(id, slug, kind, customer, offer, start, now);
        let PlanRef { plan, revision } = offer.reference.clone();
        let event = new_event(&license, self.caller.actor(), What::Imported { customer, plan, revision }, now);
        license.head = event.head();
        let plans = Plans { running: &offer.plan, next: None };
        app.keep_plan(&product.slug, offer);
        let issue = IssueLicense { license: &license, plans, code: &line.code, event: &event };
        if app.store().issue(issue, &along).await? == Committed::Overtaken {
            return Ok(None);
        }
        known.extend(made);
        Ok(Some(id))
    }

    /// The customers whose address is this person's.
    async fn customers_of(&self, wanted: &NewCustomer) -> Result<Vec<Customer>, Error> {
        let store = self.app.store();
        let mut customers = Vec::new();
        for id in store.customers_by_person(&wanted.email.person(), None, CUSTOMERS_OF_A_PERSON).await? {
            customers.extend(store.customer(id).await?);
        }
        Ok(customers)
    }
}

const HAD_A_TRIAL: &str = "another trial of this product has run in this domain";

/// What the rules of product and plan say of a line. A plan that is no longer sold may still be imported.
fn faults(line: &Line, product: &Product, offer: &Offer, now: Timestamp) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut note = |pointer: &str, detail: &str| {
        faults.push(Fault { pointer: pointer.to_owned(), detail: detail.to_owned() });
    };
    if matches!(offer.plan.terms, Terms::Subscription { period: None, .. }) {
        note("/plan", "a cloud states how far the plan is paid: it cannot be imported");
    }
    if line.starts_at.is_some_and(|start| start > now) {
        note("/starts_at", "must not be in the future");
    }
    if line.starts_at.is_some() && offer.plan.starts() == Starts::Activation {
        note("/starts_at", "must be left out: the plan starts at activation");
    }
    if line.fingerprint.is_some_and(|fingerprint| fingerprint.kind != product.fingerprint_kind) {
        note("/fingerprint/kind", "must be the kind that the product asks for");
    }
    faults
}
