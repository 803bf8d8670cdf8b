//! The roots of a region, as Oracle lists them: kept until they are to be asked for again.

use marque_core::{Duration, Timestamp};
use serde_json::Value;

use crate::oci::regions::Region;
use crate::text::object;
use crate::x509::Certificate;

/// Roots of one region.
const MAX_ROOTS: usize = 16;
/// Kept so long when the answer does not say.
const KEPT: Duration = Duration::hours(24);
const KEPT_AT_MOST: Duration = Duration::days(7);

/// The roots of a region of OCI. A caller keeps them, beyond the process too, and hands them in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionRoots {
    /// The region's long name.
    pub region: String,
    /// Certificates in PEM.
    pub certificates: Vec<String>,
    /// From here on they are to be fetched anew.
    pub refresh_at: Timestamp,
}

impl RegionRoots {
    /// Reads Oracle's list.
    pub(crate) fn parse(region: &Region, body: &[u8], now: Timestamp) -> Option<Self> {
        let list = object(body).ok()?;
        let certificates = list.get("certificates")?.as_array()?;
        if certificates.is_empty() || certificates.len() > MAX_ROOTS {
            return None;
        }
        let certificates: Option<Vec<_>> = certificates.iter().map(|pem| pem.as_str().map(str::to_owned)).collect();
        let refresh_at = refresh_at(list.get("refreshIn"), now).min(now.after(KEPT_AT_MOST));
        Some(Self { region: region.as_str().to_owned(), certificates: certificates?, refresh_at })
    }

    /// The certificates that are within the limits; a root that is not cannot spoil the others.
    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        self.certificates.iter().filter_map(|pem| Certificate::from_pem(pem).ok()).collect()
    }
}

/// An instant or a number of seconds: Oracle does not document which.
fn refresh_at(refresh_in: Option<&Value>, now: Timestamp) -> Timestamp {
    let text = refresh_in.and_then(Value::as_str);
    let seconds = refresh_in.and_then(Value::as_u64).or_else(|| text?.parse().ok());
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let instant = text.and_then(|text| text.parse().ok()).filter(|at| *at > now);
    instant.or_else(|| Some(now.after(Duration::from_seconds(seconds?)))).unwrap_or_else(|| now.after(KEPT))
}
