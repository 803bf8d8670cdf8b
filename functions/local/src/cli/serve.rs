//! `marque serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "Example: marque serve --listen 127.0.0.1:0 --data :memory: --info info.json\n\
                        The first line on standard output is the address; logs go to standard error.")]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The folder that keeps everything, or `:memory:` to keep nothing.
    #[arg(long, value_name = "FOLDER", default_value = ".marque")]
    pub(crate) data: PathBuf,
    /// Also write address, token and demo codes to this file (mode 0600).
    #[arg(long, value_name = "FILE")]
    pub(crate) info: Option<PathBuf>,
    /// What to log to standard error.
    #[arg(long, value_enum, env = "MARQUE_LOG", default_value_t = LogLevel::Warn)]
    pub(crate) log: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}
