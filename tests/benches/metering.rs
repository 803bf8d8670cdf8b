//! `cargo bench -p marque-tests --bench metering`: an hour of 10,000 agreements with two dimensions, sealed and reported.
//!
//! The time that passes is virtual, as the rate wants it. What is measured is the processor's: all of it, less what the
//! embedded database and the simulated marketplace take, which are not ours when deployed.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, and fails by failing")]

use std::hint::black_box;

use marque_service::clouds::Metering;
use marque_service::usage::meter;
use marque_tests::simulation::scale::{self, Measured, Scale};
use marque_tests::timed::now;

/// So many agreements, unless it is asked for others: `cargo bench … --bench metering -- 1000`.
const AGREEMENTS: usize = 10_000;

fn main() {
    scale::measure(AGREEMENTS, measure).expect("a table");
}

async fn measure(Measured { scale: Scale { embedded, .. }, shop, wiring, others }: Measured) {
    let metering = Metering::new(&wiring);
    others.forget();
    let calls_before = embedded.calls().count();
    let (begun, virtually) = (now(), tokio::time::Instant::now());
    let counts = meter::run(&shop, &metering, "bench", f64::MAX).await.expect("a run");
    let (all, passed) = (begun.elapsed().as_secs_f64(), virtually.elapsed().as_secs_f64());
    let theirs = others.seconds();
    let calls = embedded.calls().count() - calls_before;
    println!("{counts:?}");
    println!(
        "{} hours confirmed by {} calls, {:.2} records a call",
        counts.confirmed,
        counts.calls,
        f64::from(counts.records) / f64::from(counts.calls)
    );
    println!("{passed:.1} s of virtual time, {:.2} calls a second", f64::from(counts.calls) / passed);
    println!(
        "{calls} requests of the table, {:.1} for each hour",
        black_box(calls) as f64 / f64::from(counts.confirmed)
    );
    println!(
        "{all:.2} s of processor, of which the embedded database and the simulated marketplace {theirs:.2} s, ours {:.2} s",
        all - theirs
    );
}
