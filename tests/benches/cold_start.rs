//! What a start costs, in CPU time: wall time is noise on a shared machine.
//!
//! `cargo bench -p marque-tests --bench cold_start` builds the functions as they are deployed (or takes them, and `minimal`
//! where it is there, from the folder that `MARQUE_FUNCTIONS` names), starts each 21 times behind the Runtime API and prints medians. `validate` runs
//! in a stack with the demo product and answers daily checks; `minimal` is the least that a function can be, see
//! `tests/minimal`, and echoes them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints what it measured, and cannot go on without it"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use marque_service::demo::DemoLicense;
use marque_tests::{Deployment, Function, Outcome, Server, deployed, gateway};
use serde_json::Value;

const STARTS: usize = 21;
/// Calls before the warm ones are counted, and how many are.
const WARM_UP: usize = 50;
const WARM: usize = 200;
const MANY: usize = 10_000;
/// After so long a process that answered has nothing left to do.
const SETTLED: Duration = Duration::from_millis(10);

/// What one start showed; times in milliseconds of CPU, memory in MB.
#[derive(Debug, Default, Clone, Copy)]
struct Start {
    to_next: f64,
    first: f64,
    warm: f64,
    resident: f64,
}

fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let deployment = Deployment::new();
    activate(&program("marque-validate", "validate"), &deployment);
    println!(
        "{:<10} {:>12} {:>12} {:>10} {:>12} {:>14} {:>10}",
        "", "to next ms", "first ms", "warm ms", "MB after 1", "MB after 10000", "binary MB"
    );
    for (package, name) in [("marque-validate", "validate"), ("marque-minimal", "minimal")] {
        let program = program(package, name);
        let starts: Vec<Start> = (0..STARTS).map(|_| start(&program, &deployment)).collect();
        let median = |of: fn(&Start) -> f64| {
            let mut values: Vec<f64> = starts.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let size = std::fs::metadata(&program).expect("a binary").len() as f64 / 1e6;
        println!(
            "{name:<10} {:>12.2} {:>12.3} {:>10.3} {:>12.2} {:>14.2} {size:>10.2}",
            median(|start| start.to_next),
            median(|start| start.first),
            median(|start| start.warm),
            median(|start| start.resident),
            after_many(&program, &deployment),
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench is told what to measure")]
fn program(package: &str, name: &str) -> PathBuf {
    let given = std::env::var_os("MARQUE_FUNCTIONS").map(|_| marque_tests::function(name));
    given.filter(|program| name != "minimal" || program.exists()).unwrap_or_else(|| deployed(package, name))
}

fn start(program: &Path, deployment: &Deployment) -> Start {
    let mut site = Site::start(program, deployment);
    let to_next = site.cpu();
    site.check();
    let first = site.cpu() - to_next;
    let resident = site.resident();
    (0..WARM_UP).for_each(|_| site.check());
    let before = site.cpu();
    (0..WARM).for_each(|_| site.check());
    let warm = (site.cpu() - before) / WARM as f64;
    Start { to_next, first, warm, resident }
}

fn after_many(program: &Path, deployment: &Deployment) -> f64 {
    let mut site = Site::start(program, deployment);
    (0..MANY).for_each(|_| site.check());
    site.resident()
}

/// A started function, and a server that checks in.
struct Site {
    function: Function,
    server: Server,
    license: String,
}

impl Site {
    fn start(program: &Path, deployment: &Deployment) -> Self {
        let yearly = yearly(deployment);
        let function = Function::start(program, &deployment.environment());
        assert!(function.sandbox().wait_until_asked(1), "{:#?}", function.log());
        Self { function, server: Server::in_domain("one"), license: yearly.id.to_string() }
    }

    fn check(&mut self) {
        let event = event("/v1/validations", &self.server.validation(&self.license, None));
        let Outcome::Response(answer) = self.function.sandbox().call(event) else {
            panic!("no answer: {:#?}", self.function.log())
        };
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }

    /// Milliseconds of CPU that the process has used, all its threads together.
    fn cpu(&self) -> f64 {
        std::thread::sleep(SETTLED);
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.function.pid())).expect("a process");
        let used = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        used.sum::<f64>() / 1e6
    }

    /// Its resident memory.
    fn resident(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.function.pid())).expect("a process");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") * 1024.0 / 1e6
    }
}

fn yearly(deployment: &Deployment) -> &DemoLicense {
    deployment.demo.licenses.iter().find(|license| license.plan.as_str() == "yearly").expect("a yearly licence")
}

/// Binds the server's domain, once for all starts.
fn activate(validate: &Path, deployment: &Deployment) {
    let function = Function::start(validate, &deployment.environment());
    let body = Server::in_domain("one").activation(&yearly(deployment).code);
    let outcome = function.sandbox().call(event("/v1/activations", &body));
    assert!(matches!(&outcome, Outcome::Response(answer) if answer["statusCode"] == 201), "{outcome:?}");
}

fn event(path: &str, body: &Value) -> String {
    let request = http::Request::post(path).header("content-type", "application/json").header("user-agent", "bench");
    gateway::event(&request.body(()).expect("a request").into_parts().0, body.to_string().as_bytes()).to_string()
}
