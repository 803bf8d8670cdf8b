//! The simulation of the ledger of usage: the real handler and the real job over the embedded database and the strict
//! marketplace, with time, faults and schedules drawn from a seed.
//!
//! A history ([`plan::history`]) is a list of steps: servers report, time passes, runs begin and die, answers are lost, agreements end, a
//! backup is restored, another version is rolled out. Each is played in a world of its own (`world`); after each step the books are held to what was
//! accepted and to what the marketplace knows, which is the truth (`books`). A history that fails is made smaller as long as it
//! still fails, and told as a story.

mod books;
mod chaos;
mod dice;
mod other_version;
mod plan;
pub mod scale;
mod shop;
mod world;

pub use dice::Dice;
pub use plan::{Step, history};

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use marque_core::usage::variant::{self, Variant};

/// What is wrong after a step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// After which step, counted from 0; those of the recovery count on.
    pub step: usize,
    /// What does not hold.
    pub what: String,
}

/// Plays a history; a deliberately broken variant of the ledger may take the place of the real one.
///
/// # Errors
/// [`Broken`] when something does not hold.
pub fn play(seed: u64, steps: &[Step], variant: Option<Variant>) -> Result<(), Broken> {
    variant::break_with(variant);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let played = match runtime {
        Ok(runtime) => runtime.block_on(world::play(seed, steps)),
        Err(error) => Err(Broken { step: 0, what: format!("the runtime does not start: {error}") }),
    };
    variant::break_with(None);
    played
}

/// A history that failed, made as small as it goes.
#[derive(Debug, Clone)]
pub struct Story {
    /// Its seed.
    pub seed: u64,
    /// What is left of its steps.
    pub steps: Vec<Step>,
    /// What does not hold at their end.
    pub broken: Broken,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "history {}: {}", self.seed, self.broken.what)?;
        for (place, step) in self.steps.iter().enumerate() {
            let here = if place == self.broken.step { " <- does not hold after this" } else { "" };
            writeln!(f, "  {place:2}. {step}{here}")?;
        }
        if self.broken.step >= self.steps.len() {
            writeln!(f, "  then everything is well again, and it still does not hold")?;
        }
        write!(f, "again: cargo run -p marque-tests --release --bin simulate -- --histories 1 --seed {}", self.seed)
    }
}

/// Leaves out of a history whatever it fails without.
#[must_use]
pub fn shrink(seed: u64, steps: Vec<Step>, broken: Broken, variant: Option<Variant>) -> Story {
    let (mut steps, mut broken) = (steps, broken);
    if broken.step + 1 < steps.len() {
        steps.truncate(broken.step + 1);
    }
    let mut size = (steps.len() / 2).max(1);
    loop {
        let mut place = 0;
        let mut smaller = false;
        while place < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(place..(place + size).min(steps.len()));
            match play(seed, &fewer, variant) {
                Err(still) => {
                    (steps, broken, smaller) = (fewer, still, true);
                }
                Ok(()) => place += size,
            }
        }
        if size == 1 && !smaller {
            return Story { seed, steps, broken };
        }
        size = (size / 2).max(1);
    }
}

/// How many histories were played, and the first that failed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// So many.
    pub histories: u64,
    /// Made small.
    pub failed: Option<Story>,
}

/// Plays histories `seed`, `seed + 1`, … on several threads until one fails, telling `progress` how many are done.
pub fn simulate(
    seed: u64,
    histories: u64,
    threads: usize,
    variant: Option<Variant>,
    progress: impl Fn(u64) + Sync,
) -> Outcome {
    let (next, done, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let failed: Mutex<Option<(u64, Vec<Step>, Broken)>> = Mutex::new(None);
    let lock = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        return;
                    }
                    let seed = seed.wrapping_add(number);
                    let steps = history(seed);
                    if let Err(broken) = play(seed, &steps, variant) {
                        stop.store(true, Ordering::Relaxed);
                        let mut first = lock();
                        if first.as_ref().is_none_or(|(known, ..)| seed < *known) {
                            *first = Some((seed, steps, broken));
                        }
                    }
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let first = lock().take();
    let story = first.map(|(seed, steps, broken)| shrink(seed, steps, broken, variant));
    Outcome { histories: done.load(Ordering::Relaxed), failed: story }
}
