//! Pinned tools, installed under `target/` when they are missing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failed;

const CARGO_LAMBDA: &str = "1.9.2";
const ZIG: &str = "0.17.1";

/// The `PATH` on which cargo-lambda and zig are found in the pinned versions.
pub(crate) fn path_with_cargo_lambda(target: &Path) -> Result<OsString, Failed> {
    let path = inherited_path();
    if has_cargo_lambda(&path) {
        return Ok(path);
    }
    let venv = target.join("tools").join("cargo-lambda");
    let bin = venv.join("bin");
    let path = prepended(&bin, &path)?;
    if !has_cargo_lambda(&path) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let pins = [format!("cargo-lambda=={CARGO_LAMBDA}"), format!("ziglang=={ZIG}")];
        run(Command::new(bin.join("pip")).args(["install", "--quiet"]).args(pins))?;
    }
    if has_cargo_lambda(&path) {
        return Ok(path);
    }
    Err(Failed(format!("cargo-lambda {CARGO_LAMBDA} cannot be installed: install it yourself and try again")))
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("{shown} failed: {status}"))),
        Err(error) => Err(Failed(format!("{shown} cannot be run: {error}"))),
    }
}

fn has_cargo_lambda(path: &OsString) -> bool {
    let asked = Command::new("cargo").args(["lambda", "--version"]).env("PATH", path).output();
    asked.is_ok_and(|answer| answer.status.success() && String::from_utf8_lossy(&answer.stdout).contains(CARGO_LAMBDA))
}

fn prepended(folder: &Path, path: &OsString) -> Result<OsString, Failed> {
    let folders = std::iter::once(PathBuf::from(folder)).chain(std::env::split_paths(path));
    std::env::join_paths(folders).map_err(|error| Failed(error.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "a chore runs other programs")]
fn inherited_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}
