//! Black-box suites over the programs that ship.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what failed by failing")]

mod command;
mod daily_check;
mod durability;
mod page;
