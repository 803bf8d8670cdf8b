//! What was learned of an agreement, by whichever way, and how a chain learns it.

use marque_core::agreement::{AccountId, Chain, Entitlement, ExternalId, Facts, LicenseArn, Pricing};
use marque_core::{Customer, Timestamp};

/// What was learned of one agreement. All of it is true whenever it is learned, however often, in whatever order.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) agreement: ExternalId,
    /// The product's code, or its entity: one of them must be known to make a new chain.
    pub(super) product_code: Option<String>,
    pub(super) entity: Option<String>,
    pub(super) account: Option<AccountId>,
    pub(super) license_arn: Option<LicenseArn>,
    /// The agreement that this one renews or replaces, or the first of its chain.
    pub(super) previous: Option<ExternalId>,
    pub(super) pricing: Option<Pricing>,
    pub(super) term_end: Option<Timestamp>,
    pub(super) facts: Facts,
    /// What was bought, with the start of the read.
    pub(super) entitlements: Option<(Vec<Entitlement>, Timestamp)>,
    /// Who has registered.
    pub(super) customer: Option<Customer>,
    /// The cloud's event that brought the news.
    pub(super) event: Option<String>,
    /// A comparison found them: they should have been told.
    pub(super) compared: bool,
}

impl News {
    /// Nothing but that the agreement is there, since `requested` at the latest.
    pub(super) fn of(agreement: ExternalId, requested: Timestamp) -> Self {
        Self {
            agreement,
            product_code: None,
            entity: None,
            account: None,
            license_arn: None,
            previous: None,
            pricing: None,
            term_end: None,
            facts: Facts::new(requested),
            entitlements: None,
            customer: None,
            event: None,
            compared: false,
        }
    }

    /// Lets the chain learn them. Whoever registered first stays the customer.
    pub(super) fn teach(&self, chain: &mut Chain) {
        if let Some(customer) = &self.customer {
            chain.customer = chain.customer.or(Some(customer.id));
        }
        let Some(agreement) = chain.external_mut(&self.agreement) else { return };
        agreement.facts = agreement.facts.and(&self.facts);
        agreement.account = agreement.account.take().or_else(|| self.account.clone());
        agreement.pricing = agreement.pricing.or(self.pricing);
        agreement.term_end = self.term_end.or(agreement.term_end);
        if let Some(arn) = &self.license_arn {
            agreement.learn_license(arn.clone());
        }
        if let Some((entitlements, read_at)) = &self.entitlements {
            agreement.learn_entitlements(entitlements.clone(), *read_at);
        }
    }
}
