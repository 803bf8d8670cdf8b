//! The cold start, see the table it prints.
fn main() {}
