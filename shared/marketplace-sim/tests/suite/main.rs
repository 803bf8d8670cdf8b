//! The marketplace behind the official clients: what AWS takes is taken, what it refuses is refused.

#[cfg(test)]
mod agreements;
#[cfg(test)]
mod entitlements;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod metering;
#[cfg(test)]
mod purchases;
#[cfg(test)]
mod support;
