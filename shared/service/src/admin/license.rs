//! A licence as `admin` shows it.

use marque_core::plan::Starts;
use marque_core::{
    Activation, ActivationId, CustomerId, FingerprintValue, Kind, License, LicenseCode, LicenseId, Paid, Pending,
    Plans, Slug, State, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::events::HeadAnswer;

/// A licence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = License)]
pub(crate) struct LicenseAnswer {
    #[schema(value_type = String)]
    id: LicenseId,
    /// Its code, where it is told: when it is issued, and when it is asked for by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[schema(value_type = String)]
    customer_id: CustomerId,
    #[schema(value_type = String)]
    product: Slug,
    #[schema(value_type = String)]
    plan: Slug,
    /// The revision of the plan that it was sold under.
    plan_revision: u32,
    #[schema(value_type = String)]
    kind: Kind,
    #[schema(value_type = String)]
    state: State,
    #[schema(value_type = String, format = DateTime)]
    issued_at: Timestamp,
    /// When the running term started, if it can be given: not for ever, nor where the activation starts it.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// Null for perpetual licences and before the term has started.
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_through: Option<Timestamp>,
    /// Null likewise.
    #[schema(value_type = Option<String>, format = DateTime)]
    grace_until: Option<Timestamp>,
    /// The plan of a term that is paid and has not begun.
    #[schema(value_type = Option<String>)]
    next_plan: Option<Slug>,
    /// What is to happen when the paid time ends.
    pending: Option<PendingAnswer>,
    activations: Vec<ActivationAnswer>,
    /// The end of its history.
    head: HeadAnswer,
}

/// What is to happen when the paid time ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pending)]
pub(crate) struct PendingAnswer {
    /// `cancel` or `change-plan`.
    action: &'static str,
    /// The plan to change to, if the licence is renewed.
    #[schema(value_type = Option<String>)]
    plan: Option<Slug>,
}

/// A domain that holds the licence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActivationState)]
pub(crate) struct ActivationAnswer {
    #[schema(value_type = String)]
    id: ActivationId,
    /// 64 hexadecimal digits.
    #[schema(value_type = String)]
    fingerprint: FingerprintValue,
    #[schema(value_type = String, format = DateTime)]
    bound_at: Timestamp,
    /// The last check that was answered with a lease.
    #[schema(value_type = Option<String>, format = DateTime)]
    seen_at: Option<Timestamp>,
    /// As the server told it.
    product_version: Option<String>,
    /// How often a caller held neither of the last two leases.
    forks: u32,
    /// A `.lic` file was made for it.
    file: bool,
}

impl LicenseAnswer {
    /// The licence at `now`, without its code.
    pub(super) fn new(license: &License, plans: Plans<'_>, now: Timestamp) -> Self {
        let position = license.position(plans, now);
        Self {
            id: license.id,
            code: None,
            customer_id: license.customer,
            product: license.product.clone(),
            plan: position.reference.plan.clone(),
            plan_revision: position.reference.revision,
            kind: position.plan.kind(),
            state: position.state,
            issued_at: license.issued_at,
            starts_at: match license.running.paid {
                Paid::Through { anchor, .. } if plans.running.starts() == Starts::Issue => Some(anchor.start()),
                _ => None,
            },
            paid_through: position.paid_through,
            grace_until: position.grace_until,
            next_plan: license
                .next
                .as_ref()
                .filter(|next| next.plan != *position.reference)
                .map(|next| next.plan.plan.clone()),
            pending: match &license.pending {
                Pending::Nothing => None,
                Pending::Cancellation => Some(PendingAnswer { action: "cancel", plan: None }),
                Pending::Change(plan) => Some(PendingAnswer { action: "change-plan", plan: Some(plan.clone()) }),
            },
            activations: license.activations.iter().map(ActivationAnswer::new).collect(),
            head: license.head.into(),
        }
    }
}

impl LicenseAnswer {
    /// The same with its code, for whoever may see it.
    pub(super) fn with(self, code: Option<&LicenseCode>) -> Self {
        Self { code: code.map(LicenseCode::reveal), ..self }
    }
}

impl ActivationAnswer {
    fn new((fingerprint, activation): (&FingerprintValue, &Activation)) -> Self {
        let seen = activation.seen.as_ref();
        Self {
            id: activation.id,
            fingerprint: *fingerprint,
            bound_at: activation.bound_at,
            seen_at: seen.map(|seen| seen.at),
            product_version: seen.and_then(|seen| seen.product_version.clone()),
            forks: activation.forks,
            file: activation.file.is_some(),
        }
    }
}
