//! The `marque` command: `marque serve` runs everything on one machine, the rest are tools for tokens, keys and codes.

mod admin;
mod cli;
mod code;
mod cost;
mod doctor;
mod events;
mod input;
mod inspect;
mod keys;
mod output;
mod prove;
mod publisher;
mod seed;
mod serve;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::output::Outcome;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or_default() {
        Command::Serve(options) => serve::run(options),
        Command::Product(options) => publisher::product(&options),
        Command::Plan(options) => publisher::plan(&options),
        Command::Customer(options) => publisher::customer(&options),
        Command::Licence(options) => publisher::license(&options),
        Command::Agreements(options) => publisher::agreements(&options),
        Command::Usage(options) => publisher::usage(&options),
        Command::Events(options) => events::run(&options),
        Command::Import(options) => publisher::import(&options),
        Command::Export(options) => publisher::export(&options),
        Command::Audit(options) => publisher::audit(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Keys(options) => keys::run(options),
        Command::Code(options) => code::run(&options),
        Command::Prove(options) => prove::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Seed(options) => seed::run(&options),
        Command::Cost(options) => cost::run(&options),
        Command::Completions { shell } => completions(shell),
    };
    outcome
        .unwrap_or_else(|error| {
            output::error(&error.to_string());
            Outcome::Unusable
        })
        .into()
}

fn completions(shell: clap_complete::Shell) -> output::Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "marque", &mut script);
    output::raw(&String::from_utf8_lossy(&script)).map(|()| Outcome::Good)
}
