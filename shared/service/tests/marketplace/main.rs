//! A shop in front of the simulated AWS Marketplace: whatever order its events come in, and whenever the buyer does,
//! whoever has paid gets in and nobody else.
//!
//! `market` is the shop, over a table in memory, with a clock that tests move; `metered` is one whose buyers report usage.

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
mod intake;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod market;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod meter;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod metered;
