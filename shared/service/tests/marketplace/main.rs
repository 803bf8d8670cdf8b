//! A shop in front of the simulated AWS Marketplace: whatever order its events come in, and whenever the buyer does,
//! whoever has paid gets in and nobody else.
//!
//! `market` is the shop, over a table in memory, with a clock that tests move.

#[cfg(feature = "marketplace")]
#[cfg(test)]
mod agreements;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod buyers;
#[cfg(all(feature = "aws", feature = "marketplace"))]
#[cfg(test)]
mod costs;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod crashes;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod market;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod usage;
