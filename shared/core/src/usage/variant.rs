//! Deliberately broken variants of the ledger, by which its simulation is shown to be able to fail. They exist only with
//! the feature `variants`, which nothing that is deployed turns on; without it, [`is`] is `false` at compile time.

use crate::words::words;

words! {
    /// A way to break the ledger.
    Variant, "must be a broken variant" {
        /// An hour is confirmed before it is sent.
        MarkBeforeSend = "mark-before-send",
        /// A second attempt reckons the quantity anew.
        RebuildOnRetry = "rebuild-on-retry",
        /// An unprocessed record counts as taken.
        IgnoreUnprocessed = "ignore-unprocessed",
        /// Every duplicate is taken for our own.
        BenignDuplicates = "benign-duplicates",
        /// A duplicate's quantity is added to the running hour.
        CarryOnDuplicate = "carry-on-duplicate",
        /// A record's id is known in its hour alone.
        GuardKeyedByHour = "guard-keyed-by-hour",
        /// Usage is added whatever the hour's state.
        AddWithoutCondition = "add-without-condition",
        /// A second attempt has another time.
        TimestampRebuilt = "timestamp-rebuilt",
        /// An attempt is counted once it was answered.
        AttemptAfterSend = "attempt-after-send",
        /// A report has its hour's first second.
        HourFloor = "hour-floor",
        /// An hour is sealed before its licence is there.
        SealBeforeStart = "seal-before-start",
        /// What is left of a unit is dropped.
        LostRemainder = "lost-remainder",
        /// The records of a call that was not answered are taken for lost.
        DropOnTimeout = "drop-on-timeout",
    }
}

#[cfg(feature = "variants")]
thread_local! {
    static BROKEN: std::cell::Cell<Option<Variant>> = const { std::cell::Cell::new(None) };
}

/// Breaks the ledger on this thread, or mends it.
#[cfg(feature = "variants")]
pub fn break_with(variant: Option<Variant>) {
    BROKEN.with(|broken| broken.set(variant));
}

/// Whether the ledger is broken so.
#[cfg(feature = "variants")]
#[must_use]
pub fn is(variant: Variant) -> bool {
    BROKEN.with(|broken| broken.get() == Some(variant))
}

/// Whether the ledger is broken so: never.
#[cfg(not(feature = "variants"))]
#[must_use]
pub const fn is(_: Variant) -> bool {
    false
}
