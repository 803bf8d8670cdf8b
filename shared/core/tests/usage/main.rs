//! The ledger of metered usage: what a record may be, where it goes, what sealing fixes, and what answers make of it.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod build;
#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod model;
#[cfg(test)]
mod quantities;
#[cfg(test)]
mod sealing;
