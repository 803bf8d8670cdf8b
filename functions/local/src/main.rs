//! The `marque` command: `marque serve` runs everything on one machine, the rest are tools for tokens, keys and codes.

mod cli;
mod code;
mod cost;
mod doctor;
mod input;
mod inspect;
mod keys;
mod output;
mod seed;
mod serve;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::output::Outcome;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or_default() {
        Command::Serve(options) => serve::run(options),
        Command::Verify(options) => verify::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Keys(options) => keys::run(options),
        Command::Code(options) => code::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Seed(options) => seed::run(&options),
        Command::Cost(options) => cost::run(&options),
    };
    outcome
        .unwrap_or_else(|error| {
            anstream::eprintln!("error: {error}");
            Outcome::Unusable
        })
        .into()
}
