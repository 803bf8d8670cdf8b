//! Quantities: the contract's form and nothing else, exactly.

use marque_core::usage::{Quantity, QuantityError};
use proptest::prelude::*;

use crate::build::quantity;

#[test]
fn only_the_contracts_form_is_a_quantity() {
    let faulty = [
        "",
        "-1",
        "+1",
        "1e3",
        "NaN",
        "inf",
        "0.1234567",
        "2147483648",
        "2147483647.000001",
        "abc",
        "1.",
        ".5",
        "01",
        "00",
        "1,5",
        " 1",
        "1 ",
        "1.5.0",
        "12345678901",
        "١",
        "0x10",
        "1_000",
        "1.+5",
    ];
    for text in faulty {
        assert_eq!(text.parse::<Quantity>(), Err(QuantityError), "{text:?}");
    }
}

#[test]
fn quantities_are_exact_millionths() {
    for (text, millionths, written) in [
        ("0", 0, "0"),
        ("0.000001", 1, "0.000001"),
        ("12.5", 12_500_000, "12.5"),
        ("12.500000", 12_500_000, "12.5"),
        ("2147483647", 2_147_483_647_000_000, "2147483647"),
        ("2147483646.999999", 2_147_483_646_999_999, "2147483646.999999"),
        ("0.0", 0, "0"),
    ] {
        assert_eq!((quantity(text).millionths(), quantity(text).to_string().as_str()), (millionths, written), "{text}");
    }
}

proptest! {
    #[test]
    fn a_quantity_survives_being_written(millionths in 0..=2_147_483_647_000_000_u128) {
        let quantity = Quantity::from_millionths(millionths);
        prop_assert_eq!(quantity.to_string().parse::<Quantity>(), Ok(quantity));
    }

    #[test]
    fn arbitrary_text_never_panics_and_is_never_rounded(text in "[0-9.]{0,14}") {
        if let Ok(quantity) = text.parse::<Quantity>() {
            let plain = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            prop_assert_eq!(quantity.to_string(), plain);
        }
    }
}
