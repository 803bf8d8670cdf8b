//! The bodies of the actions.

use marque_core::{ActivationId, DiscountId, PersonText, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Fields, FromBody, UnknownMembers};

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident, $schema:ident as $shown:ident {
        $($(#[$member_doc:meta])* $member:ident: $kind:ty => $type:ty = $read:expr,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name { $(pub(in crate::admin) $member: $kind,)* }

        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[schema(as = $shown)]
        #[expect(dead_code, reason = "the schema of a body")]
        pub(crate) struct $schema { $($(#[$member_doc])* $member: $type,)* }

        impl FromBody for $name {
            const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

            fn read(fields: &mut Fields<'_>) -> Option<Self> {
                $(let $member = $read(fields);)*
                Some(Self { $($member: $member?,)* })
            }
        }
    )*};
}

bodies! {
    /// More periods.
    Renew, RenewSchema as Renewal {
        /// How many, 1 if absent, at most 120.
        n: u32 => Option<u8> = |fields: &mut Fields<'_>| {
            let read = |n| u32::try_from(n).ok().filter(|n| (1..=120).contains(n)).ok_or("must be a number from 1 to 120");
            Some(fields.optional_number("n", read).unwrap_or(1))
        },
        /// A discount of the customer's.
        discount_id: Option<DiscountId> => Option<String> = discount,
    }
    /// Another plan.
    ChangePlan, ChangePlanSchema as PlanChange {
        /// One that is sellable.
        plan: Slug => String = |fields: &mut Fields<'_>| fields.required("plan", str::parse),
        /// A discount of the customer's.
        discount_id: Option<DiscountId> => Option<String> = discount,
    }
    /// The end with the paid time.
    Cancel, CancelSchema as Cancellation {
        /// Why, 1 to 200 characters in one line.
        reason: Option<PersonText> => Option<String> = |fields: &mut Fields<'_>| Some(fields.optional("reason", str::parse)),
    }
    /// Why.
    Because, BecauseSchema as Reason {
        /// 1 to 200 characters in one line.
        reason: PersonText => String = reason,
    }
    /// The end of a suspension.
    Reinstate, ReinstateSchema as Reinstatement {
        /// Why, 1 to 200 characters in one line.
        reason: PersonText => String = reason,
        /// The days lost are not given back.
        consume: bool => Option<bool> = |fields: &mut Fields<'_>| fields.flag("consume"),
    }
    /// A longer trial.
    Extend, ExtendSchema as Extension {
        /// How many days, 1 to 366.
        days: u16 => u16 = |fields: &mut Fields<'_>| {
            fields.number("days", |days| {
                u16::try_from(days).ok().filter(|days| (1..=366).contains(days)).ok_or("must be a number from 1 to 366")
            })
        },
        /// Why, 1 to 200 characters in one line.
        reason: PersonText => String = reason,
    }
    /// A freed domain.
    Release, ReleaseSchema as ReleaseOfServer {
        /// Which; may be left out where only one is bound.
        activation_id: Option<ActivationId> => Option<String> = |fields: &mut Fields<'_>| Some(fields.optional("activation_id", str::parse)),
        /// Why, 1 to 200 characters in one line.
        reason: PersonText => String = reason,
    }
}

/// Nothing more is to be said.
#[derive(Debug)]
pub(crate) struct Nothing;

/// Nothing more is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Nothing)]
pub(crate) struct NothingSchema {}

impl FromBody for Nothing {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

fn reason(fields: &mut Fields<'_>) -> Option<PersonText> {
    fields.required("reason", str::parse)
}

fn discount(fields: &mut Fields<'_>) -> Option<Option<DiscountId>> {
    Some(fields.optional("discount_id", str::parse))
}
