//! The kinds of tokens (`typ`).

use crate::words::words;

words! {
    /// What a token is for: the `typ` of its header, explicit as RFC 8725 section 3.11 asks, so that no token stands in
    /// for one of another kind.
    Typ, "must be a kind of token that Marque signs" {
        /// The right to run for a while without contact.
        Lease = "lease+jwt",
        /// A refusal that ends a running lease early.
        Denial = "denial+jwt",
        /// A perpetual licence as a file.
        License = "license+jwt",
        /// The list of what is no longer good.
        Revocations = "crl+jwt",
        /// The key set, signed by the root.
        Keys = "keys+jwt",
    }
}
