//! Who an EC2 instance is: the instance identity document with its `rsa2048` signature.
//!
//! - PKCS#7 in BER, indefinite lengths, the content in chunks, signed attributes, no certificate inside. The other two
//!   forms (`signature` with RSA-1024, `pkcs7` with DSA and SHA-1) are not accepted.
//! - Each region has its own certificate; all have one issuer, so the region *in the content* chooses the certificate, whose
//!   serial number must be the signer's. There is no other certificate to fall back to, and half of them carry no
//!   `basicConstraints`: keys are compared, no chain is built.
//! - The document is read from the content that was verified, never from anything beside it.
//! - Nothing in it is fresh: it is signed once at launch, and whoever has seen it can show it for ever. `pendingTime` is
//!   the last launch, or start from stopped.
//! - `marketplaceProductCodes` is null or an array. Codes stay on images that were copied from ours. `billingProducts` is
//!   AWS's own (Windows) and says nothing of us.

use marque_core::{Cloud, Timestamp};
use serde_json::{Map, Value};

use crate::cms::{Form, SignedContent};
use crate::proof::{Claimed, Freshness, Machine, ProofError};
use crate::text::{base64, id, object, text};
use crate::trust::TrustData;

/// Product codes that a document may name.
const MAX_CODES: usize = 16;

/// Verifies an identity document.
pub(crate) fn verify(document: &str, trust: &TrustData) -> Result<Machine, ProofError> {
    let signed = SignedContent::parse(&base64(document)?, Form::AttributesOnly)?;
    let region = id(&object(signed.unverified_content())?, "region")?;
    let signer = signed.signer();
    let mut pinned = trust.aws(&region).iter();
    let certificate = pinned
        .find(|pinned| *pinned.serial() == signer.serial_number && *pinned.issuer() == signer.issuer)
        .ok_or(ProofError::Untrusted("AWS: no certificate of this region has the signer's serial number"))?;
    let document = object(signed.verify(certificate.key())?)?;
    // Both readings are of the same bytes; said again, so that it does not hang on that.
    if id(&document, "region")? != region {
        return Err(ProofError::Invalid("AWS: the region changed"));
    }
    Ok(Machine {
        cloud: Cloud::Aws,
        account: id(&document, "accountId")?,
        instance: id(&document, "instanceId")?,
        region: Some(region),
        product_claims: product_codes(&document)?,
        freshness: Freshness::StartedAt(pending_time(&document)?),
    })
}

/// Whose document it says it is.
pub(crate) fn claimed(document: &str) -> Result<Claimed, ProofError> {
    let signed = SignedContent::parse(&base64(document)?, Form::AttributesOnly)?;
    let document = object(signed.unverified_content())?;
    Ok(Claimed { account: id(&document, "accountId")?, instance: id(&document, "instanceId")? })
}

fn product_codes(document: &Map<String, Value>) -> Result<Vec<String>, ProofError> {
    const FAULT: ProofError = ProofError::Invalid("AWS: marketplaceProductCodes is not null or a short array of texts");
    match document.get("marketplaceProductCodes") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(codes)) if codes.len() <= MAX_CODES => {
            codes.iter().map(|code| crate::text::checked_id(code.as_str().ok_or(FAULT)?)).collect()
        }
        Some(_) => Err(FAULT),
    }
}

fn pending_time(document: &Map<String, Value>) -> Result<Timestamp, ProofError> {
    text(document, "pendingTime")?.parse().map_err(|_| ProofError::Invalid("AWS: pendingTime is no time"))
}
