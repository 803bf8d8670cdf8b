//! The clouds whose marketplaces sell, and whose machines register.

use crate::words::words;

words! {
    /// A cloud. This is the one list of them.
    Cloud, "must be one of aws, azure, gcp, oci" {
        /// Amazon Web Services.
        Aws = "aws",
        /// Microsoft Azure.
        Azure = "azure",
        /// Google Cloud.
        Gcp = "gcp",
        /// Oracle Cloud Infrastructure.
        Oci = "oci",
    }
}
