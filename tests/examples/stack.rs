//! A stack on loopback, for programs that are not ours: AWS with the demo product in its table, and what the template gives
//! to functions as their environment. Prints one JSON document, and is there until its standard input ends.

#![expect(clippy::print_stdout, reason = "it tells where everything is")]

use std::io::{Read, stdin};

use marque_tests::Deployment;
use serde_json::{Map, Value, json};

fn main() {
    let deployment = Deployment::new();
    let environment: Map<String, Value> =
        deployment.environment().into_iter().map(|(name, value)| (name, json!(value))).collect();
    println!("{}", json!({"environment": environment, "demo": deployment.demo}));
    stdin().read_to_end(&mut Vec::new()).unwrap_or_default();
}
