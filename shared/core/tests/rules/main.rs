//! The rules of licences, held to the business rules and to the wire contract.
//!
//! `build` makes the demo's plans and a [`build::Case`]: a licence, its plans and a time. `model` is a second, plain
//! telling of the same rules, written from the documents; `sequences` holds the two together.

#[cfg(test)]
mod bindings;
#[cfg(test)]
mod build;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod model;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod product;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod transitions;
#[cfg(test)]
mod verdicts;
