//! The parsers: where a stranger's bytes go, and what may come of them.

use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use marque_clouds::{Machine, OciProof, Proof};
use marque_core::Cloud;
use marque_simulators::proofs::{AwsDocument, AzureDocument, pem, sign_aws, sign_azure};
use marque_simulators::{Template, jwk, name};
use serde_json::json;

use crate::keys::{
    ANCHOR, MACHINE, SIMULATOR, asked, binding, now, prove, verify, verify_fetching, verify_fetching_issuer,
};

/// One way in.
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    /// Inputs that are accepted.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    pub(crate) accepts: fn(&[u8]) -> bool,
    /// Feeds it; what is wrong with its answer, if anything is.
    pub(crate) feed: fn(&[u8]) -> Result<(), String>,
}

/// A parser whose input a cloud has signed as a whole: changed, it is refused, or means the same.
macro_rules! sealed {
    ($name:literal, $seed:path, $proof:path) => {
        Parser {
            name: $name,
            seeds: || vec![$seed()],
            accepts: |input| verify(&$proof(input)).is_ok(),
            feed: |input| {
                static GOOD: LazyLock<Machine> = LazyLock::new(|| verify(&$proof(&$seed())).unwrap());
                let good = &*GOOD;
                unasked(|| match verify(&$proof(input)) {
                    Ok(machine) if machine != *good => Err(format!("it takes {machine:?}")),
                    _ => Ok(()),
                })
            },
        }
    };
}

/// A parser of what stands inside of a signature: signed here, so that it is read.
macro_rules! inside {
    ($name:literal, $seeds:path, $proof:path) => {
        Parser {
            name: $name,
            seeds: $seeds,
            accepts: |input| verify(&$proof(input)).is_ok(),
            feed: |input| {
                unasked(|| match verify(&$proof(input)) {
                    Ok(machine) => plain(&machine),
                    Err(_) => Ok(()),
                })
            },
        }
    };
}

/// A parser of what a cloud's source answers: it may be refused, and teaches no key that is not in it.
macro_rules! fetched {
    ($name:literal, $seed:path, $verify:path) => {
        Parser {
            name: $name,
            seeds: || vec![$seed()],
            accepts: |input| $verify(input.to_vec()).is_ok(),
            feed: |input| match $verify(input.to_vec()) {
                Ok(machine) => plain(&machine),
                Err(_) => Ok(()),
            },
        }
    };
}

pub(crate) const PARSERS: &[Parser] = &[
    sealed!("aws", aws_document, aws_proof),
    sealed!("azure", azure_document, azure_proof),
    sealed!("gcp", gcp_token, gcp_proof),
    sealed!("oci-certificate", oci_certificate, oci_of_certificate),
    sealed!("oci-signature", oci_signature, oci_of_signature),
    sealed!("oci-marketplace", oci_marketplace, oci_of_marketplace),
    sealed!("oci-intermediates", oci_intermediates, oci_of_intermediates),
    inside!("aws-content", aws_contents, aws_of_content),
    inside!("azure-content", azure_contents, azure_of_content),
    inside!("gcp-claims", gcp_claims, gcp_of_claims),
    inside!("gcp-header", gcp_headers, gcp_of_header),
    inside!("oci-claims", oci_claims, oci_of_claims),
    Parser {
        name: "oci-request",
        seeds: || {
            vec![b"https://auth.us-ashburn-1.oraclecloud.com/v1/instancePrincipalRootCACertificates\nauthorization: Signature x\ndate: now".to_vec()]
        },
        accepts: |_| true,
        feed: |input| {
            let good = oci_of_request(input);
            // Without a root that is trusted already, the request is all there is: it is sent as it must be, or not at all.
            let before = asked();
            let refused = verify_fetching(&good, Vec::new());
            let sent = asked() > before;
            match refused {
                Err("PROOF_UNTRUSTED" | "PROOF_INVALID") if !sent => Ok(()),
                Err("PROOF_SOURCE_UNAVAILABLE") if sent => exact(&good),
                other => Err(format!("sent: {sent}, and {other:?}")),
            }
        },
    },
    fetched!("google-keys", google_keys, of_google_keys),
    fetched!("oracle-roots", oracle_roots, of_oracle_roots),
    fetched!("microsoft-issuer", microsoft_issuer, of_microsoft_issuer),
];

/// Runs what must not ask anybody.
fn unasked(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let before = asked();
    run()?;
    // A key of another name, or another issuer, may be looked for: at the places that are known beforehand, which
    // `Place` holds and the suite's hostile addresses show. More than one is never asked.
    let asked = asked() - before;
    if asked > 1 { Err(format!("it asks {asked} places")) } else { Ok(()) }
}

/// Ids go into keys of the table and into logs.
fn plain(machine: &Machine) -> Result<(), String> {
    let good = |id: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        !id.is_empty() && id.len() <= 255 * 3 + 2 && id.bytes().all(letter)
    };
    let claims = machine.product_claims.len() <= 16 && machine.product_claims.iter().all(|claim| good(claim));
    if good(&machine.account) && good(&machine.instance) && machine.region.as_deref().is_none_or(good) && claims {
        Ok(())
    } else {
        Err(format!("it takes {machine:?}"))
    }
}

/// The signed request that was sent is the one that there is.
fn exact(proof: &Proof) -> Result<(), String> {
    let Proof::Oci(proof) = proof else { return Ok(()) };
    let (url, headers) = (&proof.roots_request.url, &proof.roots_request.headers);
    let known =
        |name: &str| ["authorization", "date", "x-date", "host"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if url.ends_with(".oraclecloud.com/v1/instancePrincipalRootCACertificates")
        && headers.iter().all(|(name, _)| known(name))
    {
        Ok(())
    } else {
        Err(format!("it sends {url} with {headers:?}"))
    }
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn decoded(letters: &str) -> Vec<u8> {
    Base64::decode_vec(&letters.split_ascii_whitespace().collect::<String>()).unwrap()
}

fn aws_document() -> Vec<u8> {
    match prove(Cloud::Aws) {
        Proof::Aws { identity_document_rsa2048 } => decoded(&identity_document_rsa2048),
        _ => Vec::new(),
    }
}

fn aws_proof(input: &[u8]) -> Proof {
    Proof::Aws { identity_document_rsa2048: Base64::encode_string(input) }
}

fn aws_contents() -> Vec<Vec<u8>> {
    let with = |codes: serde_json::Value| {
        json!({ "accountId": "123456789012", "instanceId": "i-0123456789abcdef0", "marketplaceProductCodes": codes,
            "pendingTime": "2027-03-01T08:00:00Z", "region": "us-east-1" })
        .to_string()
        .into_bytes()
    };
    vec![with(json!(null)), with(json!(["one", "two"]))]
}

fn aws_of_content(input: &[u8]) -> Proof {
    aws_proof(&sign_aws(&AwsDocument::new(input), &ANCHOR, now()).unwrap())
}

fn azure_document() -> Vec<u8> {
    match prove(Cloud::Azure) {
        Proof::Azure { attested_document } => decoded(&attested_document),
        _ => Vec::new(),
    }
}

fn azure_proof(input: &[u8]) -> Proof {
    Proof::Azure { attested_document: Base64::encode_string(input) }
}

fn azure_contents() -> Vec<Vec<u8>> {
    let content = json!({
        "nonce": binding().as_str(),
        "plan": { "name": "billed", "product": "ad-api", "publisher": "kopicloud" },
        "subscriptionId": "6a73742d-8c0a-4b2d-9c60-67c592a0df50",
        "timeStamp": { "createdOn": "03/10/27 09:29:00 -0000", "expiresOn": "03/10/27 15:29:00 -0000" },
        "vmId": "6277b885-20b1-43ba-81a2-ee4e94e7c0af",
    });
    vec![content.to_string().into_bytes()]
}

const SERIAL: &[u8] = &[0x33, 7];

/// A leaf of Azure's, and where it says its issuer is.
fn leaf(issuer: &[u8], issuer_key: &marque_simulators::Key, location: Option<&str>) -> Vec<u8> {
    let template = Template {
        serial: SERIAL,
        issuer,
        subject: &name("metadata.azure.com", &[]),
        not_before: "2027-03-01T00:00:00Z".parse().unwrap(),
        not_after: "2027-06-01T00:00:00Z".parse().unwrap(),
        authority: false,
        usages: &[1],
        dns_names: &["metadata.azure.com"],
        issuer_location: location,
    };
    template.sign(&MACHINE, issuer_key).unwrap()
}

fn azure_of_content(input: &[u8]) -> Proof {
    static LEAF: LazyLock<Vec<u8>> = LazyLock::new(|| leaf(&name("Simulated TLS Root", &[]), &ANCHOR, None));
    let document = AzureDocument {
        content: input.to_vec(),
        certificates: vec![LEAF.clone()],
        issuer: name("Simulated TLS Root", &[]),
        serial: SERIAL.to_vec(),
    };
    azure_proof(&sign_azure(&document, &MACHINE).unwrap())
}

fn gcp_token() -> Vec<u8> {
    match prove(Cloud::Gcp) {
        Proof::Gcp { identity_token } => identity_token.into_bytes(),
        _ => Vec::new(),
    }
}

fn gcp_proof(input: &[u8]) -> Proof {
    Proof::Gcp { identity_token: text(input) }
}

const HEADER: &[u8] = br#"{"alg":"RS256","kid":"simulated-google","typ":"JWT"}"#;

fn gcp_claims() -> Vec<Vec<u8>> {
    let token = text(&gcp_token());
    vec![Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap()]
}

fn gcp_headers() -> Vec<Vec<u8>> {
    vec![HEADER.to_vec()]
}

fn gcp_of_claims(input: &[u8]) -> Proof {
    Proof::Gcp { identity_token: token(HEADER, input) }
}

fn gcp_of_header(input: &[u8]) -> Proof {
    static CLAIMS: LazyLock<Vec<u8>> = LazyLock::new(|| gcp_claims().swap_remove(0));
    Proof::Gcp { identity_token: token(input, &CLAIMS) }
}

/// Header and claims, whatever they are, signed by the trusted key.
fn token(header: &[u8], claims: &[u8]) -> String {
    let covered = format!("{}.{}", Base64UrlUnpadded::encode_string(header), Base64UrlUnpadded::encode_string(claims));
    let signature = ANCHOR.sign(covered.as_bytes()).unwrap();
    format!("{covered}.{}", Base64UrlUnpadded::encode_string(&signature))
}

fn oci() -> OciProof {
    static OCI: LazyLock<OciProof> = LazyLock::new(|| match prove(Cloud::Oci) {
        Proof::Oci(proof) => proof,
        other => panic!("{other:?}"),
    });
    OCI.clone()
}

fn oci_certificate() -> Vec<u8> {
    let letters: String = oci().instance_certificate.lines().filter(|line| !line.starts_with('-')).collect();
    decoded(&letters)
}

fn oci_of_certificate(input: &[u8]) -> Proof {
    Proof::Oci(OciProof { instance_certificate: pem(input), ..oci() })
}

fn oci_signature() -> Vec<u8> {
    oci().binding_signature.into_bytes()
}

fn oci_of_signature(input: &[u8]) -> Proof {
    Proof::Oci(OciProof { binding_signature: text(input), ..oci() })
}

fn oci_marketplace() -> Vec<u8> {
    oci().marketplace_token.unwrap().into_bytes()
}

fn oci_of_marketplace(input: &[u8]) -> Proof {
    Proof::Oci(OciProof { marketplace_token: Some(text(input)), ..oci() })
}

fn oci_intermediates() -> Vec<u8> {
    oci().instance_certificate.into_bytes()
}

fn oci_of_intermediates(input: &[u8]) -> Proof {
    Proof::Oci(OciProof { intermediates: vec![text(input)], ..oci() })
}

fn oci_claims() -> Vec<Vec<u8>> {
    let token = text(&oci_marketplace());
    vec![Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap()]
}

fn oci_of_claims(input: &[u8]) -> Proof {
    let header = br#"{"alg":"RS256","kid":"simulated-marketplace"}"#;
    Proof::Oci(OciProof { marketplace_token: Some(token(header, input)), ..oci() })
}

/// The first line is the address, the others are headers.
fn oci_of_request(input: &[u8]) -> Proof {
    let text = text(input);
    let mut lines = text.split('\n');
    let mut proof = oci();
    proof.marketplace_token = None;
    proof.roots_request.url = lines.next().unwrap_or_default().to_owned();
    proof.roots_request.headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Proof::Oci(proof)
}

fn google_keys() -> Vec<u8> {
    json!({ "keys": [jwk(&ANCHOR.public("simulated-google"))] }).to_string().into_bytes()
}

fn of_google_keys(body: Vec<u8>) -> Result<Machine, &'static str> {
    static PROOF: LazyLock<Proof> = LazyLock::new(|| prove(Cloud::Gcp));
    verify_fetching(&PROOF, body)
}

fn oracle_roots() -> Vec<u8> {
    let root = SIMULATOR.anchors().unwrap().oci_root.unwrap();
    json!({ "certificates": [pem(&root)], "refreshIn": "2027-03-11T09:30:00Z" }).to_string().into_bytes()
}

fn of_oracle_roots(body: Vec<u8>) -> Result<Machine, &'static str> {
    verify_fetching(&Proof::Oci(OciProof { marketplace_token: None, ..oci() }), body)
}

fn microsoft_issuer() -> Vec<u8> {
    let template = Template {
        serial: &[5],
        issuer: &name("Simulated TLS Root", &[]),
        subject: &name("Simulated Intermediate", &[]),
        not_before: "2027-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2028-01-01T00:00:00Z".parse().unwrap(),
        authority: true,
        usages: &[],
        dns_names: &[],
        issuer_location: None,
    };
    template.sign(&MACHINE, &ANCHOR).unwrap()
}

fn of_microsoft_issuer(body: Vec<u8>) -> Result<Machine, &'static str> {
    static PROOF: LazyLock<Proof> = LazyLock::new(|| {
        let issuer = name("Simulated Intermediate", &[]);
        let place = "http://www.microsoft.com/pkiops/certs/x.crt";
        let document = AzureDocument {
            content: azure_contents().swap_remove(0),
            certificates: vec![leaf(&issuer, &MACHINE, Some(place))],
            issuer,
            serial: SERIAL.to_vec(),
        };
        azure_proof(&sign_azure(&document, &MACHINE).unwrap())
    });
    verify_fetching_issuer(&PROOF, body)
}
