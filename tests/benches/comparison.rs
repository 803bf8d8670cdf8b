//! `cargo bench -p marque-tests --bench comparison`: 10,000 agreements compared with AWS Marketplace, first when everything has to
//! be learned, then when nothing differs.
//!
//! The time that passes is virtual, as the rate wants it. What is measured is the processor's, less what the embedded database
//! and the simulated marketplace take, and what the table charges.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, and fails by failing")]

use marque_core::Duration;
use marque_marketplace_sim::Operation;
use marque_tests::simulation::scale::{self, Measured, Scale};
use marque_tests::timed::now;

/// So many agreements, unless it is asked for others: `cargo bench … --bench comparison -- 1000`.
const AGREEMENTS: usize = 10_000;
const CALLS: [Operation; 4] = [
    Operation::SearchAgreements,
    Operation::DescribeAgreement,
    Operation::GetAgreementTerms,
    Operation::GetEntitlements,
];

fn main() {
    scale::measure(AGREEMENTS, measure).expect("a table");
}

async fn measure(Measured { scale: Scale { embedded, market, clock }, shop, others, .. }: Measured) {
    let asked = || CALLS.into_iter().map(|operation| market.calls(operation)).sum::<usize>();
    for what in ["everything is learned", "nothing differs"] {
        others.forget();
        embedded.calls().record(true);
        let (asked_before, begun, virtually) = (asked(), now(), tokio::time::Instant::now());
        let compared = shop.reconcile(f64::MAX).await.expect("a comparison");
        assert!(compared.agreements_finished, "{compared:?}");
        let (all, passed, theirs) =
            (begun.elapsed().as_secs_f64(), virtually.elapsed().as_secs_f64(), others.seconds());
        let calls = embedded.calls().take();
        let (read, written) =
            calls.iter().fold((0.0, 0.0), |(read, written), call| (read + call.read_units, written + call.write_units));
        println!("{what}: {} compared, {} mended", compared.agreements_compared, compared.agreements_mended);
        println!(
            "  {passed:.0} s of virtual time; {} calls of AWS; {} requests of the table, {read} read and {written} write units",
            asked() - asked_before,
            calls.len()
        );
        println!(
            "  {all:.2} s of processor, of which the embedded database and the simulated marketplace {theirs:.2} s, ours {:.2} s",
            all - theirs
        );
        clock.set(clock.now().after(Duration::hours(12)));
    }
}
