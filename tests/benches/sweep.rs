//! The sweep over many due notices: pages, requests, capacity and time, over the table in memory.
//! `cargo bench --bench sweep [-- 100000]`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, or that it cannot")]
#![expect(clippy::cast_precision_loss, reason = "counts of a bench")]

use marque_core::Duration;
use marque_service::clock::Stopwatch;
use marque_service::{Clock, sweep};
use marque_store::capacity::measured;
use marque_tests::InMemory;

const NOTICES: u32 = 10_000;
/// A licence of a month that was issued then is told of its end three days before, on the 28th.
const ISSUED: &str = "2027-03-31T10:00:00Z";
/// Longer than any run may take.
const UNLIMITED: f64 = f64::MAX;

fn main() {
    let notices = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(NOTICES);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bench(notices));
}

async fn bench(notices: u32) {
    let service = InMemory::new(Clock::still(ISSUED.parse().expect("a time"))).await;
    let monthly = service.offer("monthly").await;
    let stopwatch = Stopwatch::start();
    // The demo has one such licence already.
    for _ in 1..notices {
        service.issue(&monthly).await;
    }
    println!("{notices} licences issued in {:.1} s", stopwatch.milliseconds() / 1000.0);

    let clock = service.app.clock();
    clock.set(clock.now().after(Duration::days(28)));
    let before = service.embedded.calls().count();
    let stopwatch = Stopwatch::start();
    let (counts, spent) = measured(sweep::run(&service.app, UNLIMITED)).await;
    let (counts, seconds) = (counts.expect("a run"), stopwatch.milliseconds() / 1000.0);
    let requests = service.embedded.calls().count() - before;
    assert_eq!((counts.notices, counts.sent, counts.failed), (notices, notices, 0));
    let each = |sum: f64| sum / f64::from(notices);
    println!("{notices} notices told and mailed in {seconds:.1} s, {:.0} a second", f64::from(notices) / seconds);
    println!("{} pages of the index, {requests} requests, {:.2} a notice", counts.pages, each(requests as f64));
    println!("{:.0} read units, {:.2} a notice", spent.read_units, each(spent.read_units));
    println!("{:.0} write units, {:.2} a notice", spent.write_units, each(spent.write_units));
    assert_eq!(sweep::run(&service.app, UNLIMITED).await.expect("a run").notices, 0);
}
