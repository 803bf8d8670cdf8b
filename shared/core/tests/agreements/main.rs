//! Agreements: whatever order the cloud's messages come in, the same is known in the end, and it means the same.

#[cfg(test)]
mod covers;
#[cfg(test)]
mod orders;
