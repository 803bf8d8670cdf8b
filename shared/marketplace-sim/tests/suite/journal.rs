//! What is kept in a file.

use std::io::Write;
use std::sync::Arc;

use marque_marketplace_sim::{Marketplace, Order, Pricing};

use crate::support::{PRODUCT, seller, servers, time};

#[test]
fn what_was_acknowledged_is_there_again_and_a_cut_off_line_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marketplace.jsonl");
    let open =
        |seed: &str| Marketplace::open(seller(), Arc::new(|| time("2027-03-10T09:30:00Z")), &path, seed).unwrap();
    let buy = |market: &Marketplace| market.purchase(Order::new(PRODUCT, Pricing::Contract, servers(5))).unwrap();
    let bought = buy(&open("one"));
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"[{\"Delivered\":\"1").unwrap();
    let market = open("two");
    assert_eq!(market.waiting_events().unwrap(), bought.events);
    let other = buy(&market);
    assert_ne!(other.agreement, bought.agreement);
    let market = open("three");
    assert!(market.cancel(&bought.agreement).is_ok() && market.cancel(&other.agreement).is_ok());
}
