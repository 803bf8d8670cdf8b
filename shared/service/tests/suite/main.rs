//! The routes of `validate` and `admin` in process: router, envelope and handlers over the embedded DynamoDB, a still clock and a key
//! ring made for the test.
//!
//! `harness` is a service with the demo's plans, and speaks HTTP to it.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod bringing;
#[cfg(test)]
mod bundles;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod files;
#[cfg(test)]
mod fleets;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod holding;
#[cfg(test)]
mod machines;
#[cfg(test)]
#[path = "../../../core/tests/rules/model.rs"]
#[expect(dead_code, reason = "the rules of core ask it for more")]
mod model;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod public;
#[cfg(test)]
mod releases;
#[cfg(test)]
mod ring;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod trials;
#[cfg(test)]
mod verdicts;
