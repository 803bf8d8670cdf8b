//! The project's own chores.

mod binary;
mod package;
mod tools;
mod trust;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of this workspace.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Build every deployed function with cargo-lambda: `target/lambda/FUNCTION/bootstrap.zip`.
    Package(package::Package),
    /// Renew what machines' proofs are verified against.
    #[command(subcommand)]
    Trust(trust::Trust),
}

/// Why a chore is not done: a sentence that names the cure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

#[expect(clippy::print_stderr, reason = "a chore says why it is not done")]
fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Package(options) => package::run(&options),
        Chore::Trust(trust) => trust::run(&trust),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
