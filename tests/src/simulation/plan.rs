//! What happens in a history, drawn from its seed before it is played, so that steps can be left out.

use std::fmt;

use marque_embedded::Fault as TableFault;
use marque_marketplace_sim::Fault;

use super::dice::Dice;

/// How many agreements there are at first.
pub(super) const AGREEMENTS: u64 = 2;
/// What is metered: decimals, whole units, and whole units beyond what is bought.
pub(super) const DIMENSIONS: [&str; 3] = ["requests", "units", "seats"];

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A server reports usage.
    Report(Report),
    /// A server sends an earlier report again, the `n`-th from the last.
    Again {
        /// Which.
        back: u64,
    },
    /// So many minutes pass.
    Pass(u64),
    /// The service's clock is off by so many seconds from now on.
    Clock(i64),
    /// The meter runs.
    Run(Run),
    /// The next requests of the marketplace meet a fault, so many of them.
    Market(Fault, usize),
    /// A request of the table meets a fault: the `n`-th from now.
    Table(TableFault, u64),
    /// The index does not see what is written until the next run is over.
    Lag,
    /// Somebody else reports the running hour of an agreement and a dimension.
    Elsewhere(u64, usize),
    /// The buyer of an agreement cancels.
    Cancel(u64),
    /// An agreement is renewed by another.
    Renew(u64),
    /// Another buyer comes.
    Subscribe,
    /// What the marketplace has to tell is told, some of it twice; the teller may die after so many polls.
    Tell {
        /// After so many polls.
        dies: Option<u64>,
    },
    /// Another version of the service, which is being rolled out or back, is at the table: it adds to every item what this one
    /// does not know.
    OtherVersion,
    /// The table is backed up.
    Backup,
    /// The table is what it was at the last backup.
    Restore,
}

/// A server's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Of which agreement.
    pub agreement: u64,
    /// Its records.
    pub records: Vec<Record>,
    /// It dies after so many polls.
    pub dies: Option<u64>,
}

/// A record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, for its id.
    pub number: u64,
    /// Which dimension.
    pub dimension: usize,
    /// In millionths.
    pub millionths: u64,
    /// So many minutes ago.
    pub ago: u64,
}

/// A run of the meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// To its end.
    Whole,
    /// It dies after so many polls.
    Dies(u64),
    /// Two at once, in an order drawn from this; the lock is no hindrance to every second pair.
    Two(u64),
}

/// The steps of a history.
#[must_use]
pub fn history(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let mut drawn = Drawn { number: 0, agreements: AGREEMENTS, backups: 0 };
    let restores = dice.chance(10);
    let mut steps = Vec::new();
    for _ in 0..dice.between(14, 34) {
        steps.push(drawn.step(&mut dice, restores));
    }
    steps
}

/// What was drawn so far.
struct Drawn {
    number: u64,
    agreements: u64,
    backups: u64,
}

impl Drawn {
    fn step(&mut self, dice: &mut Dice, restores: bool) -> Step {
        match dice.roll(100) {
            0..=27 => self.report(dice),
            28..=33 => Step::Again { back: dice.roll(6) },
            34..=52 => Step::Pass(*dice.pick(&[3, 7, 20, 45, 60, 60, 65, 90, 180]).unwrap_or(&60)),
            53..=72 => Step::Run(match dice.roll(10) {
                0..=5 => Run::Whole,
                6..=8 => Run::Dies(dice.roll(60)),
                _ => Run::Two(dice.bits()),
            }),
            73..=79 => {
                let faults = [
                    Fault::Throttle,
                    Fault::Internal,
                    Fault::Timeout,
                    Fault::LostResponse,
                    Fault::LostResponse,
                    Fault::Unprocessed,
                ];
                Step::Market(
                    *dice.pick(&faults).unwrap_or(&Fault::Timeout),
                    usize::try_from(dice.between(1, 3)).unwrap_or(1),
                )
            }
            80..=85 => {
                let faults = [
                    TableFault::Throttle,
                    TableFault::Internal,
                    TableFault::Timeout,
                    TableFault::LostAnswer,
                    TableFault::LostAnswer,
                    TableFault::TransactionConflict { index: 0 },
                    TableFault::TransactionConflict { index: 1 },
                ];
                Step::Table(*dice.pick(&faults).unwrap_or(&TableFault::Timeout), dice.between(1, 12))
            }
            86 => Step::Lag,
            87 => Step::Clock(i64::try_from(dice.roll(481)).unwrap_or_default() - 240),
            88 => Step::Elsewhere(dice.roll(self.agreements), usize::try_from(dice.roll(3)).unwrap_or_default()),
            89 | 90 => Step::Cancel(dice.roll(self.agreements)),
            91 => {
                self.agreements += 1;
                Step::Renew(dice.roll(self.agreements - 1))
            }
            92 => {
                self.agreements += 1;
                Step::Subscribe
            }
            93..=97 => Step::Tell { dies: dice.chance(40).then(|| dice.roll(40)) },
            98 if restores => {
                self.backups += 1;
                Step::Backup
            }
            99 if restores && self.backups > 0 => Step::Restore,
            99 => Step::OtherVersion,
            _ => Step::Pass(dice.between(1, 30)),
        }
    }

    fn report(&mut self, dice: &mut Dice) -> Step {
        let records = (0..dice.between(1, 4)).map(|_| {
            self.number += 1;
            let dimension = usize::try_from(dice.roll(3)).unwrap_or_default();
            let millionths = match dice.roll(12) {
                0 => 0,
                1 => 2_147_483_647_000_000,
                2..=5 => dice.between(1, 9) * 1_000_000,
                _ => dice.between(1, 5_000_000),
            };
            let ago = if dice.chance(70) { 0 } else { dice.roll(300) };
            Record { number: self.number, dimension, millionths, ago }
        });
        let records = records.collect();
        Step::Report(Report {
            agreement: dice.roll(self.agreements),
            records,
            dies: dice.chance(12).then(|| dice.roll(30)),
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(Report { agreement, records, dies }) => {
                write!(f, "agreement {agreement} reports")?;
                for record in records {
                    let quantity = marque_core::usage::Quantity::from_millionths(record.millionths.into());
                    write!(f, " r{} {quantity} {}", record.number, DIMENSIONS.get(record.dimension).unwrap_or(&"?"))?;
                    if record.ago > 0 {
                        write!(f, " {} min ago", record.ago)?;
                    }
                    write!(f, ";")?;
                }
                dies.map_or(Ok(()), |polls| write!(f, " and dies after {polls} polls"))
            }
            Self::Again { back } => write!(f, "the report before the last {back} is sent again"),
            Self::Pass(minutes) => write!(f, "{minutes} minutes pass"),
            Self::Clock(seconds) => write!(f, "the service's clock is {seconds} s off"),
            Self::Run(Run::Whole) => write!(f, "the meter runs"),
            Self::Run(Run::Dies(polls)) => write!(f, "the meter runs and dies after {polls} polls"),
            Self::Run(Run::Two(_)) => write!(f, "two meters run at once"),
            Self::Market(fault, times) => write!(f, "{times} requests of the marketplace will meet {fault:?}"),
            Self::Table(fault, n) => write!(f, "request {n} of the table from now will meet {fault:?}"),
            Self::Lag => write!(f, "the index lags"),
            Self::Elsewhere(agreement, dimension) => write!(
                f,
                "somebody else reports the running hour of agreement {agreement}, {}",
                DIMENSIONS.get(*dimension).unwrap_or(&"?")
            ),
            Self::Cancel(agreement) => write!(f, "the buyer of agreement {agreement} cancels"),
            Self::Renew(agreement) => write!(f, "agreement {agreement} is renewed"),
            Self::Subscribe => write!(f, "another buyer subscribes"),
            Self::Tell { dies: None } => write!(f, "the events are told"),
            Self::Tell { dies: Some(polls) } => {
                write!(f, "the events are told, and the teller dies after {polls} polls")
            }
            Self::OtherVersion => {
                write!(f, "another version of the service adds to every item what this one does not know")
            }
            Self::Backup => write!(f, "the table is backed up"),
            Self::Restore => write!(f, "the table is restored"),
        }
    }
}
