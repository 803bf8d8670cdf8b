//! What AWS Marketplace is asked about buyers and their agreements. Every answer is a value of the rules' own types;
//! what cannot be read of an answer is left out, as the live API leaves members out.

use aws_sdk_marketplaceagreement::types::{AcceptedTerm, AgreementEntitlementStatus, AgreementStatus, Filter};
use aws_sdk_marketplaceentitlement::types::{EntitlementValue as Sent, GetEntitlementFilterName};
use aws_sdk_marketplacemetering::error::ProvideErrorMetadata;
use aws_smithy_types::DateTime;
use marque_core::Timestamp;
use marque_core::agreement::{
    AccountId, Entitlement, EntitlementValue, ExternalId, How, LicenseArn, LicenseKey, Pricing, Succession,
};

use super::wire::{self, Failure, Wiring};

/// AWS Marketplace as a seller asks it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fulfilment {
    metering: aws_sdk_marketplacemetering::Client,
    entitlement: aws_sdk_marketplaceentitlement::Client,
    agreement: aws_sdk_marketplaceagreement::Client,
}

/// Who has landed, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The product's code.
    pub product_code: String,
    /// The buyer's account.
    pub account: AccountId,
    /// The licence.
    pub license_arn: LicenseArn,
    /// The agreement.
    pub agreement: ExternalId,
}

/// Why a token tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveFailure {
    /// It is no token of this seller's.
    #[error("the token is not one of this seller's")]
    Invalid,
    /// It is too old.
    #[error("the token has expired")]
    Expired,
    /// AWS's answer lacks what a listing with concurrent agreements has.
    #[error("the answer lacks {0}: only listings with concurrent agreements are served")]
    Incomplete(&'static str),
    /// The call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// How an agreement stands, as its API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Which agreement.
    pub agreement: ExternalId,
    /// What its status says.
    pub standing: Standing,
    /// The buyer's account.
    pub account: Option<AccountId>,
    /// The listing's entity: `prod-…`.
    pub entity: Option<String>,
    /// The first agreement of its chain, when it is not the first itself.
    pub initial: Option<ExternalId>,
    /// When it was made.
    pub accepted: Option<Timestamp>,
    /// The end of its term.
    pub term_end: Option<Timestamp>,
    /// Its licence, where the answer has it: then it is provisioned.
    pub license_arn: Option<LicenseArn>,
}

/// What an agreement's status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Active,
    /// Another one takes its place.
    Superseded(Succession),
    /// It is over.
    Ended(How),
    /// The status says nothing that counts.
    Unclear,
}

impl Standing {
    /// Reads a status, of the API or of an event. What is not known ends nothing.
    #[must_use]
    pub fn of(status: &str) -> Self {
        match status {
            "ACTIVE" => Self::Active,
            "RENEWED" => Self::Superseded(Succession::Renewed),
            "REPLACED" => Self::Superseded(Succession::Replaced),
            "CANCELLED" => Self::Ended(How::Cancelled),
            "EXPIRED" => Self::Ended(How::Expired),
            "TERMINATED" => Self::Ended(How::Terminated),
            _ => Self::Unclear,
        }
    }
}

/// Whether an agreement's licence is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provision {
    /// It is, under this name.
    Provisioned(Option<LicenseArn>),
    /// It is not, or nobody says.
    Awaited,
}

/// A page of agreements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What is on it.
    pub agreements: Vec<Described>,
    /// Where the next one begins.
    pub next: Option<String>,
}

impl Fulfilment {
    /// The clients, in the region where entitlements and agreements are. Nothing is called yet.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the clients of AWS Marketplace are made here")]
    pub fn new(wiring: &Wiring) -> Self {
        Self {
            metering: wire::client!(wiring, aws_sdk_marketplacemetering, wire::home(), wire::reads()),
            entitlement: wire::client!(wiring, aws_sdk_marketplaceentitlement, wire::home(), wire::reads()),
            agreement: wire::client!(wiring, aws_sdk_marketplaceagreement, wire::home(), wire::reads()),
        }
    }

    /// Resolves a registration token. It is used at once and kept nowhere.
    ///
    /// # Errors
    /// [`ResolveFailure`].
    pub async fn resolve(&self, token: &str) -> Result<Resolved, ResolveFailure> {
        let answer = self.metering.resolve_customer().registration_token(token).send().await;
        let answer = answer.map_err(|error| match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ExpiredTokenException") => ResolveFailure::Expired,
            Some("InvalidTokenException" | "ValidationException") => ResolveFailure::Invalid,
            _ => ResolveFailure::Failed(Failure::of(&error)),
        })?;
        let lacks = ResolveFailure::Incomplete;
        Ok(Resolved {
            product_code: answer.product_code.ok_or(lacks("ProductCode"))?,
            account: parsed(answer.customer_aws_account_id.as_deref()).ok_or(lacks("CustomerAWSAccountId"))?,
            license_arn: parsed(answer.license_arn.as_deref()).ok_or(lacks("LicenseArn"))?,
            agreement: parsed(answer.metadata.as_ref().and_then(|metadata| metadata.agreement_id.as_deref()))
                .ok_or(lacks("AgreementId"))?,
        })
    }

    /// What an account has bought of a product under one licence, with the licence's whole name. Asked for by account,
    /// and joined by the licence's id: the name that events print is not the one that filters take.
    ///
    /// # Errors
    /// [`Failure`]: an empty list is no failure, and no statement either.
    pub async fn entitlements(
        &self,
        product_code: &str,
        account: &AccountId,
        license: &LicenseKey,
    ) -> Result<(Vec<Entitlement>, Option<LicenseArn>), Failure> {
        let (mut found, mut arn, mut token) = (Vec::new(), None, None);
        loop {
            let call = self
                .entitlement
                .get_entitlements()
                .product_code(product_code)
                .filter(GetEntitlementFilterName::CustomerAwsAccountId, vec![account.to_string()])
                .set_next_token(token);
            let page = call.send().await.map_err(|error| Failure::of(&error))?;
            for row in page.entitlements.unwrap_or_default() {
                let Some(named) = parsed::<LicenseArn>(row.license_arn.as_deref()) else { continue };
                let value = row.value.and_then(value);
                let (true, Some(dimension), Some(value)) = (named.key() == *license, row.dimension, value) else {
                    continue;
                };
                found.push(Entitlement { dimension, value, expires_at: row.expiration_date.and_then(instant) });
                arn = Some(named);
            }
            // An empty page may go on: the token alone says.
            token = page.next_token;
            if token.is_none() {
                return Ok((found, arn));
            }
        }
    }

    /// How an agreement stands.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn describe(&self, agreement: &ExternalId) -> Result<Described, Failure> {
        let answer = self.agreement.describe_agreement().agreement_id(agreement.as_str()).send().await;
        let answer = answer.map_err(|error| Failure::of(&error))?;
        let resources = answer.proposal_summary.and_then(|proposal| proposal.resources).unwrap_or_default();
        Ok(Described {
            agreement: agreement.clone(),
            standing: standing(answer.status.as_ref()),
            account: parsed(answer.acceptor.as_ref().and_then(|acceptor| acceptor.account_id.as_deref())),
            entity: resources.into_iter().find_map(|resource| resource.id),
            initial: parsed(answer.initial_agreement_id.as_deref()).filter(|initial| initial != agreement),
            accepted: answer.acceptance_time.and_then(instant),
            term_end: answer.end_time.and_then(instant),
            license_arn: None,
        })
    }

    /// How an agreement is paid, by its terms; none when they do not say.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pricing(&self, agreement: &ExternalId) -> Result<Option<Pricing>, Failure> {
        let (mut upfront, mut usage, mut token) = (false, false, None);
        loop {
            let call = self.agreement.get_agreement_terms().agreement_id(agreement.as_str()).set_next_token(token);
            let page = call.send().await.map_err(|error| Failure::of(&error))?;
            for term in page.accepted_terms.unwrap_or_default() {
                upfront |= term.is_configurable_upfront_pricing_term() || term.is_fixed_upfront_pricing_term();
                usage |= matches!(term, AcceptedTerm::UsageBasedPricingTerm(_));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(match (upfront, usage) {
            (true, true) => Some(Pricing::ContractWithConsumption),
            (true, false) => Some(Pricing::Contract),
            (false, true) => Some(Pricing::Subscription),
            (false, false) => None,
        })
    }

    /// Whether an agreement's licence is provisioned.
    ///
    /// # Errors
    /// [`Failure`]; AWS may deny the call to sellers.
    pub async fn provision(&self, agreement: &ExternalId) -> Result<Provision, Failure> {
        let call = self.agreement.get_agreement_entitlements().agreement_id(agreement.as_str());
        let answer = call.send().await.map_err(|error| Failure::of(&error))?;
        let found = answer.agreement_entitlements.unwrap_or_default().into_iter();
        let mut provisioned =
            found.filter(|entitlement| entitlement.status == Some(AgreementEntitlementStatus::Provisioned));
        Ok(provisioned.next().map_or(Provision::Awaited, |entitlement| {
            Provision::Provisioned(parsed(entitlement.license_arn.as_deref()))
        }))
    }

    /// A page of all the agreements that the seller has proposed.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn search(&self, from: Option<&str>) -> Result<Page, Failure> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let call = self
            .agreement
            .search_agreements()
            .catalog("AWSMarketplace")
            .filters(filter("PartyType", "Proposer"))
            .filters(filter("AgreementType", "PurchaseAgreement"))
            .set_next_token(from.map(str::to_owned));
        let answer = call.send().await.map_err(|error| Failure::of(&error))?;
        let described = answer.agreement_view_summaries.unwrap_or_default().into_iter().filter_map(|summary| {
            let agreement: ExternalId = parsed(summary.agreement_id.as_deref())?;
            let resources = summary.proposal_summary.and_then(|proposal| proposal.resources).unwrap_or_default();
            let arns = summary.entitlements.unwrap_or_default();
            Some(Described {
                standing: standing(summary.status.as_ref()),
                account: parsed(summary.acceptor.as_ref().and_then(|acceptor| acceptor.account_id.as_deref())),
                entity: resources.into_iter().find_map(|resource| resource.id),
                initial: parsed(summary.initial_agreement_id.as_deref()).filter(|initial| *initial != agreement),
                accepted: summary.acceptance_time.and_then(instant),
                term_end: summary.end_time.and_then(instant),
                license_arn: arns.iter().find_map(|entitlement| parsed(entitlement.license_arn.as_deref())),
                agreement,
            })
        });
        Ok(Page { agreements: described.collect(), next: answer.next_token })
    }
}

fn standing(status: Option<&AgreementStatus>) -> Standing {
    status.map_or(Standing::Unclear, |status| Standing::of(status.as_str()))
}

fn parsed<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// The fraction is cut off; a year beyond 9999 is no end.
fn instant(time: DateTime) -> Option<Timestamp> {
    Timestamp::from_unix(time.secs())
}

/// There is no tag that says which one it is: the one that is there.
fn value(sent: Sent) -> Option<EntitlementValue> {
    let integer = sent.integer_value.map(|value| EntitlementValue::Integer(value.into()));
    let double = || sent.double_value.map(EntitlementValue::Double);
    let boolean = || sent.boolean_value.map(EntitlementValue::Boolean);
    integer.or_else(double).or_else(boolean).or_else(|| sent.string_value.map(EntitlementValue::Text))
}
