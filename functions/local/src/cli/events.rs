//! `marque events`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_help = "Credentials are taken from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.\n\
                  Those of the AWS CLI: eval \"$(aws configure export-credentials --format env)\"\n\
                  Exit codes: 0 good, 1 some could not be put back, 2 usage, or a queue that does not answer."
)]
pub(crate) struct Events {
    #[command(subcommand)]
    pub(crate) command: EventsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Show the events that cannot be handled, each with its reason. Nothing is changed.
    List(Letters),
    /// Put them back into the queue that they came from, to be handled again.
    #[command(after_help = "Mend what the reason says first: an event that is refused again is a dead letter again.\n\
                      Example: marque events replay --dead-letters \"$(output EventsDeadLettersUrl)\" --reason 'does not answer'")]
    Replay {
        #[command(flatten)]
        letters: Letters,
        /// Only those whose reason contains this.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Another queue than the one that they came from.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Letters {
    /// The queue of dead letters: the stack's output EventsDeadLettersUrl, or UndeliveredQueue of the post in us-east-1.
    #[arg(long, value_name = "URL", env = "MARQUE_DEAD_LETTERS")]
    pub(crate) dead_letters: String,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
