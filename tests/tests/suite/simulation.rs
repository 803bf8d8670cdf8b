//! The simulation of the ledger of usage, and that it can fail.

use marque_core::usage::variant::Variant;
use marque_tests::simulation::{history, play, simulate};

/// Where the histories of these tests begin.
const SEED: u64 = 20_270_310;

#[test]
fn whatever_happens_every_unit_is_billed_once() {
    let outcome = simulate(SEED, 150, 2, None, |_| {});
    assert!(outcome.failed.is_none(), "{}", outcome.failed.unwrap());
}

/// Within so many histories each deliberately broken variant is caught.
const CAUGHT_WITHIN: [(Variant, u64); 13] = [
    (Variant::MarkBeforeSend, 100),
    (Variant::RebuildOnRetry, 100),
    (Variant::IgnoreUnprocessed, 100),
    (Variant::BenignDuplicates, 100),
    (Variant::CarryOnDuplicate, 100),
    (Variant::GuardKeyedByHour, 100),
    (Variant::AddWithoutCondition, 100),
    (Variant::TimestampRebuilt, 100),
    (Variant::AttemptAfterSend, 100),
    (Variant::HourFloor, 100),
    (Variant::SealBeforeStart, 100),
    (Variant::LostRemainder, 100),
    (Variant::DropOnTimeout, 100),
];

#[test]
fn every_broken_variant_is_caught() {
    assert_eq!(CAUGHT_WITHIN.len(), Variant::ALL.len(), "each of them");
    for (variant, histories) in CAUGHT_WITHIN {
        let outcome = simulate(SEED, histories, 2, Some(variant), |_| {});
        let story = outcome.failed.unwrap_or_else(|| panic!("{variant} is not caught within {histories} histories"));
        assert!(story.steps.len() <= 12, "{variant}: the story is small: {story}");
        assert!(play(story.seed, &story.steps, None).is_ok(), "{variant}: the real ledger survives its story: {story}");
    }
}

#[test]
fn a_seed_is_one_history() {
    for seed in SEED..SEED + 20 {
        assert_eq!(history(seed), history(seed));
    }
    assert_ne!(history(SEED), history(SEED + 1));
}
