//! Tokens, held to the wire contract and to those who would forge them.
//!
//! `forge` writes tokens by hand, with any header and payload: what it makes does not depend on the code under test.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod keysets;
#[cfg(test)]
mod licfiles;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod tampering;
