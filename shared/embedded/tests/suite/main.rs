//! The embedded database seen through the official client: what the store relies on, and each fault.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod file;
#[cfg(test)]
mod items;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod transactions;
