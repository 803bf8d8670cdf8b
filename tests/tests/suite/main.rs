//! Black-box suites over the programs that ship.

mod command;
mod daily_check;
mod durability;
mod page;
