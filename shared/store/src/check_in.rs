//! The daily check: one conditional update that stamps the activation and answers the licence either way.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure};
use marque_core::{FingerprintKind, FingerprintValue, License, LicenseId, Slug, Timestamp, TokenId};

use crate::expression::Expression;
use crate::items::{LicenseItem, binary, names, number, record_check, text};
use crate::transaction::{Write, back_off};
use crate::{Along, Store, StoreError, capacity, keys};

/// A check tries so often again when a transaction is at the same licence.
const RETRIES: u32 = 3;

/// What a check leaves in the activation, if it may run.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// Which licence.
    pub license: LicenseId,
    /// The caller's product: a stranger's check leaves no stamp.
    pub product: &'a Slug,
    /// What the caller is bound by.
    pub fingerprint_kind: FingerprintKind,
    /// The caller's domain.
    pub domain: &'a FingerprintValue,
    /// When.
    pub now: Timestamp,
    /// Which server it is, a UUID.
    pub instance_id: [u8; 16],
    /// Which version of the product it reports.
    pub product_version: Option<&'a str>,
    /// The lease that it is about to get.
    pub lease: TokenId,
    /// What is known of the machine's key.
    pub key: KeyRule,
}

/// What a check knows of the machine's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRule {
    /// The call is not signed: a stamp is made only if the activation has no key.
    Unsigned,
    /// The call's signature was checked against this key: a stamp is made only if it is still the activation's.
    Signed([u8; 32]),
    /// The call showed the code, which outweighs a key: this one takes its place, or none does.
    Replace(Option<[u8; 32]>),
}

/// What a check found: the licence as it was *before* the stamp, so that the leases of earlier checks are still seen.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckIn {
    /// The activation exists, may run, and was stamped.
    Stamped(License),
    /// It does not, may not, or its key forbids it; nothing was changed.
    Refused(License),
}

impl CheckIn {
    /// The licence as it was before.
    #[must_use]
    pub fn license(&self) -> &License {
        match self {
            Self::Stamped(license) | Self::Refused(license) => license,
        }
    }
}

impl Store {
    /// Stamps the activation of a domain, on the condition that it exists and may run, and answers the licence in the
    /// same request. `None`: there is no such licence.
    ///
    /// # Errors
    /// [`StoreError::Contention`] when transactions kept the licence busy; [`StoreError::Unavailable`],
    /// [`StoreError::Corrupt`].
    pub async fn check_in(&self, stamp: Stamp<'_>) -> Result<Option<CheckIn>, StoreError> {
        let expression = stamp.expression();
        for attempt in 0..=RETRIES {
            if attempt > 0 {
                back_off(attempt, stamp.instance_id[15]).await;
            }
            match self.send_stamp(&stamp, &expression).await {
                Ok(output) => {
                    capacity::wrote(&output.consumed_capacity);
                    return output.attributes.map(|old| LicenseItem::read(&old).map(CheckIn::Stamped)).transpose();
                }
                Err(error) => match error.into_service_error() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => {
                        return failed.item.map(|old| LicenseItem::read(&old).map(CheckIn::Refused)).transpose();
                    }
                    UpdateItemError::TransactionConflictException(_) => {}
                    error => return Err(StoreError::unavailable(error)),
                },
            }
        }
        Err(StoreError::Contention { item: keys::license(stamp.license).pk })
    }

    /// Counts a caller that held neither of the last two leases. It is a statistic: nothing is decided by it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. A released activation is no error: there is nothing to count any more.
    pub async fn count_fork(&self, license: LicenseId, domain: &FingerprintValue) -> Result<(), StoreError> {
        let key = keys::fingerprint(domain);
        let mut expression = Expression::default();
        expression.count(&[names::ACTIVATIONS, &key, names::FORKS]).if_exists(&[names::ACTIVATIONS, &key]);
        self.update_if(&keys::license(license), &expression).await.map(drop)
    }

    async fn send_stamp(
        &self,
        stamp: &Stamp<'_>,
        expression: &Expression,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::license(stamp.license).attributes()))
            .set_update_expression(expression.update())
            .set_condition_expression(expression.condition())
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
    }
}

impl Along {
    /// Stamps an activation, on the same conditions as [`Store::check_in`].
    pub fn check_in(&mut self, stamp: &Stamp<'_>) -> &mut Self {
        self.writes.push(Write::Update(keys::license(stamp.license), stamp.expression()));
        self
    }
}

impl Stamp<'_> {
    fn expression(&self) -> Expression {
        let key = keys::fingerprint(self.domain);
        let of = |name: &'static str| [names::ACTIVATIONS, key.as_str(), name];
        let mut expression = Expression::default();
        record_check(&mut expression, &key, self.now, &self.instance_id, self.product_version, self.lease);
        expression
            .if_exists(&of("i"))
            .if_compares(&[names::RUNS_UNTIL], ">=", number(self.now.unix()))
            .if_compares(&[names::PRODUCT], "=", text(self.product))
            .if_compares(&[names::KIND], "=", text(self.fingerprint_kind.as_str()));
        match self.key {
            KeyRule::Unsigned => expression.if_absent(&of(names::PUBLIC_KEY)),
            KeyRule::Signed(key) => expression.if_compares(&of(names::PUBLIC_KEY), "=", binary(&key)),
            KeyRule::Replace(Some(key)) => expression.set(&of(names::PUBLIC_KEY), binary(&key)),
            KeyRule::Replace(None) => expression.remove(&of(names::PUBLIC_KEY)),
        };
        expression
    }
}
