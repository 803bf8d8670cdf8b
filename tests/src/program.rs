//! The programs under test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The path of a binary of this workspace, built in the profile of the tests if it is not there yet.
///
/// # Panics
/// When it does not build.
#[must_use]
#[expect(clippy::panic, reason = "a test without its program cannot go on")]
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let mut build = cargo_build();
        // As `cargo test --workspace` has built them, or every dependency would be compiled once more.
        build.args(["--workspace", "--bins", "--tests"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        run(build);
        target_folder().unwrap_or_else(|| panic!("the folder of built programs is not found"))
    });
    folder.join(name)
}

/// The path of a deployed function: from the folder that the variable `MARQUE_FUNCTIONS` names, where `cargo xtask
/// package` or `cargo build --profile deploy` has put it, else built in the profile of the tests.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a suite is told what to test")]
pub fn function(name: &str) -> PathBuf {
    match std::env::var_os("MARQUE_FUNCTIONS") {
        // Tests run in the folder of their crate.
        Some(folder) => Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(name),
        None => binary(name),
    }
}

/// The path of a binary as it is deployed, built if it is not there yet. Each package is built by itself, so that no
/// other one's features leak in.
///
/// # Panics
/// When it does not build.
#[must_use]
#[expect(clippy::panic, reason = "a bench without its program cannot go on")]
pub fn deployed(package: &str, name: &str) -> PathBuf {
    let mut build = cargo_build();
    build.args(["--profile", "deploy", "-p", package]);
    run(build);
    let folder = target_folder().and_then(|folder| Some(folder.parent()?.join("deploy")));
    folder.unwrap_or_else(|| panic!("the folder of built programs is not found")).join(name)
}

/// By the cargo that runs the test: another one would be of another toolchain, and compile everything anew.
#[expect(clippy::disallowed_methods, reason = "cargo tells its tests where it is")]
fn cargo_build() -> Command {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--locked", "--quiet"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    build
}

#[expect(clippy::panic, reason = "a test without its program cannot go on")]
fn run(mut build: Command) {
    match build.status() {
        Ok(status) if status.success() => {}
        outcome => panic!("the programs under test do not build: {outcome:?}"),
    }
}

/// Tests run from `target/<profile>/deps`.
fn target_folder() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    this.ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == "deps"))
        .and_then(Path::parent)
        .map(Path::to_owned)
}

/// A running `marque serve`. It is killed when this is dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// What it wrote to `local.json`.
    pub info: Value,
    _folder: tempfile::TempDir,
}

impl Served {
    /// Starts `marque serve` on a free port, over `data` or in memory.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its program cannot go on")]
    pub fn start(data: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the information file");
        let info = folder.path().join("info.json");
        let data = data.unwrap_or(Path::new(":memory:"));
        let mut child = Command::new(binary("marque"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--data"])
            .arg(data)
            .arg("--info")
            .arg(&info)
            .stdout(Stdio::piped())
            .spawn()
            .expect("marque serve starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its standard output");
        BufReader::new(stdout).read_line(&mut line).expect("its first line");
        assert!(line.starts_with("listening on http://127.0.0.1:"), "marque serve said {line:?}");
        let text = std::fs::read(&info).expect("its information file");
        Self { child, info: serde_json::from_slice(&text).expect("JSON"), _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        self.info["url"].as_str().unwrap_or_default()
    }

    /// The code of the demo licence of a plan.
    #[must_use]
    pub fn code(&self, plan: &str) -> &str {
        let licenses = self.info["demo"]["licenses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let license = licenses.iter().find(|license| license["plan"] == plan);
        license.and_then(|license| license["code"].as_str()).unwrap_or_default()
    }

    /// Kills it at once, as a power switch would a process.
    pub fn kill(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or_default();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}
