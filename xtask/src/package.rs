//! `cargo xtask package`: what is deployed, and only that.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{Failed, binary, tools};

/// What provided.al2023 has: a binary that needs a newer one does not start there.
const NEWEST_GLIBC: (u32, u32) = (2, 34);
/// The profile of deployed functions, see Cargo.toml.
const PROFILE: &str = "deploy";

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// For which processors; x86_64 unless it or `--stack` is given.
    #[arg(long, value_enum)]
    arch: Option<Architecture>,
    /// For the processors of a stack: what the configuration file that `sam deploy` takes says of `Architecture`, or the
    /// template where it says nothing.
    #[arg(long, value_name = "FILE")]
    stack: Option<PathBuf>,
    /// Only these functions.
    #[arg(value_name = "FUNCTION")]
    functions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X8664,
    /// Graviton. Needs the standard library of aarch64-unknown-linux-gnu.
    Arm64,
}

impl Architecture {
    /// As Lambda and the template name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X8664 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    fn triple(self) -> &'static str {
        match self {
            Self::X8664 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::X8664, Self::Arm64].into_iter().find(|known| known.name() == name)
    }
}

#[expect(clippy::print_stdout, reason = "a chore says what it made")]
pub(crate) fn run(options: &Package) -> Result<(), Failed> {
    let workspace = Workspace::read()?;
    let template = read(&workspace.root.join("infra/template.yaml"))?;
    let arch = architecture(options, &template)?;
    let functions = workspace.functions(&options.functions)?;
    build(&workspace, &functions, arch)?;
    for function in &functions {
        let zip = workspace.target.join("lambda").join(&function.name).join("bootstrap.zip");
        let size =
            std::fs::metadata(&zip).map_err(|error| Failed(format!("{} was not made: {error}", zip.display())))?.len();
        let path = workspace.target.join(arch.triple()).join(PROFILE).join(&function.name);
        let bytes =
            std::fs::read(&path).map_err(|error| Failed(format!("{} cannot be read: {error}", path.display())))?;
        check(&path, &bytes, arch)?;
        println!("{}: {:.2} MB, {:.2} MB zipped", function.name, bytes.len() as f64 / 1e6, size as f64 / 1e6);
    }
    let default = parameter_default(&template).map(Architecture::name);
    if options.stack.is_none() && default != Some(arch.name()) {
        println!(
            "These are for {0}, and the template's default is {1}: deploy them with the parameter Architecture={0}, or they cannot start.",
            arch.name(),
            default.unwrap_or("another one")
        );
    }
    Ok(())
}

/// All functions in one invocation of cargo, so that what they share is compiled once.
fn build(workspace: &Workspace, functions: &[Function], arch: Architecture) -> Result<(), Failed> {
    let mut build = Command::new("cargo");
    build.args(["lambda", "build", "--locked", "--profile", PROFILE, "--output-format", "zip"]);
    build.arg(if arch == Architecture::Arm64 { "--arm64" } else { "--x86-64" });
    for function in functions {
        build.args(["--package", &function.package]);
    }
    let path = tools::path_with_cargo_lambda(&workspace.target)?;
    tools::run(build.current_dir(&workspace.root).env("PATH", &path))
}

/// The processors that were asked for, and that the stack has.
fn architecture(options: &Package, template: &str) -> Result<Architecture, Failed> {
    let Some(file) = &options.stack else { return Ok(options.arch.unwrap_or(Architecture::X8664)) };
    let of_stack = of_stack(&read(file)?, template).map_err(|fault| Failed(format!("{}: {fault}", file.display())))?;
    match options.arch {
        Some(arch) if arch != of_stack => Err(Failed(format!(
            "{} says Architecture={}, and --arch says {}: functions packaged for one cannot start on the other. Change one of the two",
            file.display(),
            of_stack.name(),
            arch.name()
        ))),
        _ => Ok(of_stack),
    }
}

/// What `parameter_overrides` of a configuration file of SAM say of `Architecture`, else the template's default.
fn of_stack(config: &str, template: &str) -> Result<Architecture, String> {
    let overrides = config.lines().filter(|line| line.trim_start().starts_with("parameter_overrides"));
    let words = overrides.flat_map(|line| line.split(|c: char| c.is_whitespace() || c == ','));
    let given = words.filter_map(|word| word.split_once("Architecture=")).map(|(_, value)| value).next_back();
    let Some(given) = given else {
        return parameter_default(template).ok_or_else(|| "the template has no default of Architecture".to_owned());
    };
    let name = given.trim_matches(|c| "\\\"'[]".contains(c));
    Architecture::of_name(name).ok_or_else(|| format!("Architecture is {name:?}, and must be arm64 or x86_64"))
}

/// The default of the parameter `Architecture`.
fn parameter_default(template: &str) -> Option<Architecture> {
    let parameter = template.lines().skip_while(|line| *line != "  Architecture:").skip(1);
    let mut members = parameter.take_while(|line| line.starts_with("    "));
    let default = members.find_map(|line| line.trim().strip_prefix("Default: "))?;
    Architecture::of_name(default)
}

/// A binary that cannot start in Lambda is refused here, and not met as an alarm there.
fn check(path: &Path, bytes: &[u8], arch: Architecture) -> Result<(), Failed> {
    let refused = |why: String| Failed(format!("{} {why}", path.display()));
    let built = binary::architecture(bytes).ok_or_else(|| refused("is no program for Linux".to_owned()))?;
    if built != arch {
        let (built, arch) = (built.name(), arch.name());
        return Err(refused(format!("is for {built}, not for {arch}: remove it and package again")));
    }
    let newest = binary::newest_glibc(bytes).ok_or_else(|| refused("names no GLIBC version".to_owned()))?;
    if newest > NEWEST_GLIBC {
        let ((major, minor), (most, least)) = (newest, NEWEST_GLIBC);
        return Err(refused(format!(
            "needs GLIBC {major}.{minor}, and provided.al2023 has {most}.{least}: build it with cargo-lambda's zig"
        )));
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| Failed(format!("{} cannot be read: {error}", path.display())))
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

    /// Every crate under `functions/` but the command, which is never deployed; or those of these names.
    fn functions(&self, names: &[String]) -> Result<Vec<Function>, Failed> {
        let mut functions = self.deployed();
        if let Some(unknown) = names.iter().find(|name| functions.iter().all(|function| function.name != **name)) {
            let known: Vec<_> = functions.iter().map(|function| function.name.as_str()).collect();
            return Err(Failed(format!("there is no function {unknown}: there are {}", known.join(", "))));
        }
        functions.retain(|function| names.is_empty() || names.contains(&function.name));
        Ok(functions)
    }

    fn deployed(&self) -> Vec<Function> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "Parameters:\n  Issuer:\n    Type: String\n    Default: x86_64\n  Architecture:\n    Type: String\n    Default: arm64\n";

    #[test]
    fn a_stack_says_what_it_is_packaged_for() {
        for (config, arch) in [
            ("", Architecture::Arm64),
            ("parameter_overrides = \"Issuer=\\\"https://x\\\" Architecture=\\\"x86_64\\\"\"", Architecture::X8664),
            ("parameter_overrides = [\"Issuer=https://x\", \"Architecture=x86_64\"]", Architecture::X8664),
            ("parameter_overrides = \"Architecture=arm64\"\n# Architecture=x86_64", Architecture::Arm64),
        ] {
            assert_eq!(of_stack(config, TEMPLATE), Ok(arch), "{config}");
        }
        assert!(of_stack("parameter_overrides = \"Architecture=mips\"", TEMPLATE).is_err());
        let shipped = include_str!("../../infra/template.yaml");
        assert!(parameter_default(shipped).is_some(), "the template's default is found");
    }

    #[test]
    fn a_stack_and_an_option_that_disagree_are_refused_with_the_cure() {
        let file = std::env::temp_dir().join(format!("marque-stack-{}.toml", std::process::id()));
        std::fs::write(&file, "parameter_overrides = \"Architecture=x86_64\"").unwrap();
        let package = |arch| Package { arch, stack: Some(file.clone()), functions: Vec::new() };
        assert_eq!(architecture(&package(None), TEMPLATE).unwrap(), Architecture::X8664);
        assert_eq!(architecture(&package(Some(Architecture::X8664)), TEMPLATE).unwrap(), Architecture::X8664);
        let refused = architecture(&package(Some(Architecture::Arm64)), TEMPLATE).unwrap_err().to_string();
        assert!(refused.contains("Change one of the two"), "{refused}");
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn what_cannot_start_is_refused() {
        let elf = |machine: u8, version: &str| {
            let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
            bytes.extend([machine, 0]);
            bytes.extend(version.as_bytes());
            bytes
        };
        let refused =
            |bytes: &[u8]| check(Path::new("validate"), bytes, Architecture::X8664).err().map(|why| why.to_string());
        assert_eq!(refused(&elf(62, "\0GLIBC_2.34\0")), None);
        assert!(refused(&elf(62, "\0GLIBC_2.35\0")).is_some_and(|why| why.contains("zig")));
        assert!(refused(&elf(183, "\0GLIBC_2.17\0")).is_some_and(|why| why.contains("is for arm64, not for x86_64")));
        assert!(refused(&elf(62, "")).is_some() && refused(b"#!/bin/sh").is_some());
    }
}
