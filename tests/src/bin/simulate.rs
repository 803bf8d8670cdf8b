//! `simulate`: any number of histories of the ledger of usage, from any seed.
//!
//! `cargo run -p marque-tests --release --bin simulate -- --histories 100000 --seed 1`

use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use marque_core::usage::variant::Variant;
use marque_service::clock::Stopwatch;
use marque_tests::simulation::simulate;

const USAGE: &str = "usage: simulate [--histories N] [--seed S] [--threads T] [--variant NAME]";

struct Options {
    histories: u64,
    seed: u64,
    threads: usize,
    variant: Option<Variant>,
}

fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(fault) => {
            say(&format!("{fault}\n{USAGE}\n"));
            return ExitCode::from(2);
        }
    };
    let Options { histories, seed, threads, variant } = options;
    let begun = Stopwatch::start();
    say(&format!("{histories} histories from seed {seed} on {threads} threads\n"));
    let told = Mutex::new(0.0);
    let outcome = simulate(seed, histories, threads, variant, |done| {
        let seconds = begun.milliseconds() / 1000.0;
        let Ok(mut told) = told.try_lock() else { return };
        if seconds - *told >= 1.0 {
            *told = seconds;
            say(&format!("\r{done} of {histories}, {:.0} a second ", per(done, seconds)));
        }
    });
    let seconds = begun.milliseconds() / 1000.0;
    say(&format!(
        "\r{} histories in {seconds:.1} s, {:.0} a minute\n",
        outcome.histories,
        60.0 * per(outcome.histories, seconds)
    ));
    match outcome.failed {
        None => ExitCode::SUCCESS,
        Some(story) => {
            say(&format!("{story}\n"));
            ExitCode::FAILURE
        }
    }
}

fn read(mut given: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { histories: 1000, seed: 1, threads: 2, variant: None };
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} {value}: must be a number"));
        match name.as_str() {
            "--histories" => options.histories = number()?,
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = usize::try_from(number()?).unwrap_or(1).max(1),
            "--variant" => options.variant = Some(value.parse().map_err(|must: &str| format!("--variant {must}"))?),
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(options)
}

#[expect(clippy::cast_precision_loss, reason = "a rate is a float")]
fn per(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(Duration::from_millis(1).as_secs_f64())
}

fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).unwrap_or_default();
}
