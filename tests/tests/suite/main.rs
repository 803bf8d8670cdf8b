//! Black-box suites over the programs that ship.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what failed by failing, and what it skipped"
)]

mod audit;
mod buyer;
mod command;
mod customers_life;
mod daily_check;
mod durability;
mod events;
mod import;
mod machine;
mod mails;
mod metering;
mod operator;
mod page;
mod place;
mod policy;
mod prove;
mod publisher;
mod register;
mod registering;
mod selling;
mod signature;
mod signing;
mod simulation;
mod start_up;
mod sweep;
