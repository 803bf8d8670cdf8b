//! Trials before they are licences: who asked, by which tokens they confirm it, and how many a person has had.

use marque_core::customer::PersonDigest;
use marque_core::{AskId, CustomerId, Duration, Email, Language, LicenseId, PersonText, Slug, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, Item};
use crate::outbox::Outgoing;
use crate::transaction::{NotDone, Transaction, Write, back_off};
use crate::{Along, Store, StoreError, keys};

/// A link to confirm a trial is good for so long.
pub const TOKEN_LIFE: Duration = Duration::days(1);
/// What was asked is kept for so long: a mail that was late still brings a token of a whole day.
const ASK_LIFE: Duration = Duration::days(4);
/// At most so many mails to an address on a day, whoever asks for them.
pub const MAILS_A_DAY: u32 = 20;
const MAILS: &str = "mails";
const LICENSE: &str = "license";
const COUNT: &str = "trials";
const TRIES: u32 = 4;

/// SHA-256 of a token: what the table knows of it.
pub type TokenDigest = [u8; 32];

/// Somebody's asking for a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialAsk {
    /// Never reused.
    pub id: AskId,
    /// Of which product.
    pub product: Slug,
    /// First and last name.
    pub name: PersonText,
    /// Their company.
    pub company: PersonText,
    /// Where the link goes to.
    pub email: Email,
    /// In which language they are written to.
    pub language: Language,
    /// What it has become, once it was confirmed.
    pub license: Option<LicenseId>,
}

/// Whether a trial could be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Asked {
    /// The mail is on its way.
    Noted,
    /// The address had its mails for today.
    TooManyMails,
}

/// How many trials of a product a person has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialsHad {
    /// Whose they are.
    pub person: PersonDigest,
    /// How many.
    pub count: u32,
    /// The customer that the first one made of the person.
    pub customer: Option<CustomerId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AskItem {
    product: Slug,
    name: PersonText,
    company: PersonText,
    email: Email,
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    license: Option<LicenseId>,
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TokenItem {
    ask: AskId,
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct PersonItem {
    trials: u32,
    customer: CustomerId,
}

/// What a person has asked for, to be found by whoever erases them.
#[derive(Debug, Serialize)]
struct AskOfItem {
    expires_at: i64,
}

#[derive(Debug, Deserialize)]
struct MailsItem {
    mails: u32,
}

impl Store {
    /// Notes that somebody asked, with the token and the mail that bring them back, all or nothing; not when the address
    /// had its mails for today.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Contention`] when too many ask for the same address at once.
    pub async fn ask_for_trial(
        &self,
        ask: &TrialAsk,
        token: &TokenDigest,
        mail: &Outgoing,
        now: Timestamp,
    ) -> Result<Asked, StoreError> {
        let day = keys::mails_of_day(ask.email.person(), now.day());
        for attempt in 1..=TRIES {
            let mut along = Along::default();
            along.mail(mail, now)?.put_new(items::write(&keys::ask(ask.id), &AskItem::new(ask, now))?);
            let listed = AskOfItem { expires_at: now.after(ASK_LIFE).unix() };
            along.put_new(items::write(&keys::ask_of(ask.email.person(), ask.id), &listed)?);
            along.put_new(token_item(ask.id, token, now)?);
            let mut transaction = Transaction::new(&self.table);
            transaction.along(&along).update(day.clone(), one_mail_more(now));
            match transaction.commit(&self.client).await {
                Ok(()) => return Ok(Asked::Noted),
                Err(NotDone::Failed(error)) => return Err(error),
                Err(NotDone::Overtaken) => {}
            }
            // The ceiling, somebody else at the same moment, or this very call before its answer was lost.
            if self.trial_ask(ask.id, now).await?.is_some() {
                return Ok(Asked::Noted);
            }
            let sent = self.item(day.clone(), true).await?.map(|item| items::read::<MailsItem>(&item)).transpose()?;
            if sent.is_some_and(|sent| sent.mails >= MAILS_A_DAY) {
                return Ok(Asked::TooManyMails);
            }
            back_off(attempt, token[0]).await;
        }
        Err(StoreError::Contention { item: day.pk })
    }

    /// What somebody asked for; none when it has lapsed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn trial_ask(&self, id: AskId, now: Timestamp) -> Result<Option<TrialAsk>, StoreError> {
        let Some(item) = self.item(keys::ask(id), true).await? else { return Ok(None) };
        let content: AskItem = items::read(&item)?;
        Ok((content.expires_at > now.unix()).then(|| content.ask(id)))
    }

    /// What a person has asked for lately, oldest first, at most `limit` of them after `after`; some of it may have lapsed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn trial_asks_of(
        &self,
        person: PersonDigest,
        after: Option<AskId>,
        limit: i32,
    ) -> Result<Vec<AskId>, StoreError> {
        self.names(&keys::asks_of(person), after.map(|id| keys::ask_of(person, id)), limit).await
    }

    /// What the token was sent for; none when there is no such token or it has lapsed. DynamoDB deletes late, so the time
    /// is looked at.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn trial_ask_by_token(
        &self,
        token: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<TrialAsk>, StoreError> {
        let Some(item) = self.item(keys::trial_token(token), true).await? else { return Ok(None) };
        let TokenItem { ask, expires_at } = items::read(&item)?;
        if expires_at <= now.unix() { Ok(None) } else { self.trial_ask(ask, now).await }
    }

    /// Adds a token to what was asked: a mail that is tried again carries one of its own, since the table knows no token
    /// that it could repeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn add_trial_token(&self, ask: AskId, token: &TokenDigest, now: Timestamp) -> Result<(), StoreError> {
        let item = token_item(ask, token, now)?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(drop).map_err(StoreError::unavailable)
    }

    /// How many trials of a product a person has had.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn trials_had(&self, person: PersonDigest, product: &Slug) -> Result<TrialsHad, StoreError> {
        let item = self.item(keys::person(person, product), true).await?;
        let found: Option<PersonItem> = item.map(|item| items::read(&item)).transpose()?;
        let (count, customer) = found.map_or((0, None), |found| (found.trials, Some(found.customer)));
        Ok(TrialsHad { person, count, customer })
    }
}

impl Along {
    /// The trial that an issue makes of what somebody asked for: it is made once, and counted for the person, on the
    /// condition that no other was since `had` was read.
    pub fn trial(&mut self, ask: &TrialAsk, had: &TrialsHad, license: LicenseId, customer: CustomerId) -> &mut Self {
        let mut once = Expression::default();
        once.set(&[LICENSE], items::text(license)).if_exists(&[keys::PK]).if_absent(&[LICENSE]);
        let mut counted = Expression::default();
        counted.set(&[COUNT], items::number(had.count + 1)).set(&["customer"], items::text(customer));
        match had.count {
            0 => counted.if_absent(&[COUNT]),
            count => counted.if_compares(&[COUNT], "=", items::number(count)),
        };
        self.writes.push(Write::Update(keys::ask(ask.id), once));
        self.writes.push(Write::Update(keys::person(had.person, &ask.product), counted));
        self
    }
}

impl AskItem {
    fn new(ask: &TrialAsk, now: Timestamp) -> Self {
        let TrialAsk { product, name, company, email, language, license, .. } = ask.clone();
        Self { product, name, company, email, language, license, expires_at: now.after(ASK_LIFE).unix() }
    }

    fn ask(self, id: AskId) -> TrialAsk {
        let Self { product, name, company, email, language, license, .. } = self;
        TrialAsk { id, product, name, company, email, language, license }
    }
}

fn token_item(ask: AskId, token: &TokenDigest, now: Timestamp) -> Result<Item, StoreError> {
    items::write(&keys::trial_token(token), &TokenItem { ask, expires_at: now.after(TOKEN_LIFE).unix() })
}

fn one_mail_more(now: Timestamp) -> Expression {
    let mut expression = Expression::default();
    expression
        .count(&[MAILS])
        .set(&[crate::TTL_ATTRIBUTE], items::number(now.after(Duration::days(2)).unix()))
        .if_absent_or_compares(&[MAILS], "<", items::number(MAILS_A_DAY));
    expression
}
