//! Ids of a cloud's form from short labels, the same for the same label always.

use marque_core::Cloud;
use sha2::{Digest, Sha256};

/// Which account, machine and region a proof is to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'l> {
    /// The account.
    pub account: &'l str,
    /// The machine.
    pub instance: &'l str,
    /// A region by its name; none for the cloud's first one.
    pub region: Option<&'l str>,
}

impl Labels<'_> {
    /// The cloud's id of the machine.
    #[must_use]
    pub fn instance_id(&self, cloud: Cloud) -> String {
        match cloud {
            Cloud::Aws => format!("i-{}", hex("aws instance", self.instance, 17)),
            Cloud::Azure => guid("azure vm", self.instance),
            Cloud::Gcp => digits("gcp instance", self.instance, 19),
            Cloud::Oci => {
                let region = self.region.unwrap_or(super::oci::REGION);
                format!("ocid1.instance.oc1.{region}.{}", hex("oci instance", self.instance, 60))
            }
        }
    }
}

/// 32 bytes that a kind of id and its label decide.
pub(super) fn digest(kind: &str, label: &str) -> [u8; 32] {
    Sha256::digest(format!("marque/simulator/{kind}\n{label}")).into()
}

/// So many decimal digits, the first not 0.
pub(super) fn digits(kind: &str, label: &str, count: usize) -> String {
    let digest = digest(kind, label);
    let first = char::from(b'1' + digest[0] % 9);
    std::iter::once(first).chain(digest.iter().skip(1).map(|byte| char::from(b'0' + byte % 10))).take(count).collect()
}

/// So many hex digits.
pub(super) fn hex(kind: &str, label: &str, count: usize) -> String {
    let text: String = digest(kind, label).iter().map(|byte| format!("{byte:02x}")).collect();
    text.chars().take(count).collect()
}

/// A GUID of version 4.
pub(super) fn guid(kind: &str, label: &str) -> String {
    let hex = hex(kind, label, 30);
    format!("{}-{}-4{}-8{}-{}", &hex[0..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}
