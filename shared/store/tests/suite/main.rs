//! The table, held to its invariants against the embedded DynamoDB: what a check costs, what a change may touch, what
//! becomes of races, conflicts, lost answers and crashes.
//!
//! `support` has a table in memory with plans, licences and the steps by which the service changes them; `size` reckons
//! what DynamoDB would charge for an item.

#[cfg(test)]
mod budget;
#[cfg(test)]
mod check_in;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod corrupt;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod history;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod races;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod size;
#[cfg(test)]
mod support;
#[cfg(test)]
mod usage;
