//! `cargo xtask package`: what is deployed, and only that.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{Failed, tools};

/// What provided.al2023 has: a binary that needs a newer one does not start there.
const NEWEST_GLIBC: (u32, u32) = (2, 34);
/// The profile of deployed functions, see Cargo.toml.
const PROFILE: &str = "deploy";

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// For which processors.
    #[arg(long, value_enum, default_value_t = Architecture::X8664)]
    arch: Architecture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Architecture {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X8664,
    /// Graviton. Needs the standard library of aarch64-unknown-linux-gnu.
    Arm64,
}

#[expect(clippy::print_stdout, reason = "a chore says what it made")]
pub(crate) fn run(options: &Package) -> Result<(), Failed> {
    let workspace = Workspace::read()?;
    let path = tools::path_with_cargo_lambda(&workspace.target)?;
    let functions = workspace.functions();
    let mut build = Command::new("cargo");
    build.args(["lambda", "build", "--locked", "--profile", PROFILE, "--output-format", "zip"]);
    build.arg(match options.arch {
        Architecture::X8664 => "--x86-64",
        Architecture::Arm64 => "--arm64",
    });
    for function in &functions {
        build.args(["--package", &function.package]);
    }
    tools::run(build.current_dir(&workspace.root).env("PATH", &path))?;
    for function in &functions {
        let folder = workspace.target.join("lambda").join(&function.name);
        let zip = folder.join("bootstrap.zip");
        let size =
            std::fs::metadata(&zip).map_err(|error| Failed(format!("{} was not made: {error}", zip.display())))?.len();
        let glibc = newest_glibc(&workspace.built(&function.name, options.arch))?;
        println!("{}: {:.2} MB zipped, needs GLIBC {}.{}", function.name, size as f64 / 1e6, glibc.0, glibc.1);
    }
    Ok(())
}

/// What cargo knows of this workspace.
struct Workspace {
    root: PathBuf,
    target: PathBuf,
    packages: Vec<Value>,
}

/// One deployed function.
struct Function {
    package: String,
    name: String,
}

impl Workspace {
    fn read() -> Result<Self, Failed> {
        let unreadable = |error: String| Failed(format!("cargo metadata cannot be read: {error}"));
        let output = Command::new("cargo").args(["metadata", "--format-version", "1", "--no-deps"]).output();
        let output = output.map_err(|error| unreadable(error.to_string()))?;
        let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))?;
        let path =
            |name: &str| metadata[name].as_str().map(PathBuf::from).ok_or_else(|| unreadable(format!("no {name}")));
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            packages: metadata["packages"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// Every crate under `functions/` but the command, which is never deployed.
    fn functions(&self) -> Vec<Function> {
        let folder = self.root.join("functions");
        let is_function = |package: &&Value| {
            let manifest = package["manifest_path"].as_str().map(Path::new);
            manifest.is_some_and(|path| path.starts_with(&folder) && !path.starts_with(folder.join("local")))
        };
        let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let function = |package: &Value| {
            let binary = package["targets"].as_array()?.iter().find(|target| target["kind"][0] == "bin")?;
            Some(Function { package: name(&package["name"]), name: name(&binary["name"]) })
        };
        self.packages.iter().filter(is_function).filter_map(function).collect()
    }

    fn built(&self, name: &str, arch: Architecture) -> PathBuf {
        let triple = match arch {
            Architecture::X8664 => "x86_64-unknown-linux-gnu",
            Architecture::Arm64 => "aarch64-unknown-linux-gnu",
        };
        self.target.join(triple).join(PROFILE).join(name)
    }
}

/// The newest version of glibc that a binary asks for, from the version names in its dynamic symbols.
fn newest_glibc(binary: &Path) -> Result<(u32, u32), Failed> {
    let bytes =
        std::fs::read(binary).map_err(|error| Failed(format!("{} cannot be read: {error}", binary.display())))?;
    let newest = versions(&bytes)
        .max()
        .ok_or_else(|| Failed(format!("{} names no GLIBC version: is it a Linux binary?", binary.display())))?;
    if newest <= NEWEST_GLIBC {
        return Ok(newest);
    }
    Err(Failed(format!(
        "{} needs GLIBC {}.{}, and provided.al2023 has {}.{}: build it with cargo-lambda's zig",
        binary.display(),
        newest.0,
        newest.1,
        NEWEST_GLIBC.0,
        NEWEST_GLIBC.1
    )))
}

fn versions(bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    const NAME: &[u8] = b"GLIBC_";
    let number = |text: &[u8]| String::from_utf8_lossy(text).parse::<u32>().ok();
    bytes.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME).filter_map(move |(at, _)| {
        let version = bytes[at + NAME.len()..].split(|byte| !byte.is_ascii_digit() && *byte != b'.').next()?;
        let mut parts = version.split(|byte| *byte == b'.');
        Some((number(parts.next()?)?, number(parts.next()?)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_is_named_counts() {
        let bytes = b"\0GLIBC_2.17\0GLIBC_2.4\0xGLIBC_2.30\0GLIBC_PRIVATE\0GLIBC_2.3.4\0";
        assert_eq!(versions(bytes).max(), Some((2, 30)));
        assert_eq!(versions(b"no names").max(), None);
    }
}
