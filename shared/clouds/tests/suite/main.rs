//! Proofs from outside: real documents, signed samples with an injected anchor, and what a forger would send.

#[cfg(test)]
mod aws;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod gcp;
#[cfg(test)]
mod hostile;
#[cfg(feature = "marketplace")]
#[cfg(test)]
mod metering;
#[cfg(test)]
mod network;
#[cfg(test)]
mod oci;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod vectors;
