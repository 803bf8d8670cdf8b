//! Oracle Cloud: the instance's certificate, the binding signed by its key, a signed request for the region's roots, and
//! the marketplace's token if there is one.
//!
//! Oracle's services know an instance by its certificate: it signs in with that (`/v1/x509`) and gets a token for a session
//! key, which signs further requests (draft-cavage-http-signatures, as Oracle's SDKs do). Which token the marketplace
//! gives, and to whom, is not documented, and was not tried on a machine of Oracle's.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use jiff::fmt::rfc2822::DateTimePrinter;
use marque_core::ProofBinding;
use marque_service::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::failure::Failure;
use super::metadata::Metadata;
use super::pem::{self, Block};
use super::service::agent;
use crate::output;

const HEADERS: &[(&str, &str)] = &[("authorization", "Bearer Oracle")];
/// The commercial realm: the service trusts no other.
const REALM: &str = "oc1";
const FEDERATION: &str = "/v1/x509";
const ROOTS: &str = "/v1/instancePrincipalRootCACertificates";
const MARKETPLACE: &str = "/20181001/marketplaceExternalAttestedMetadata";

pub(super) fn machine_id(metadata: &Metadata) -> Result<String, Failure> {
    Ok(Instance::read(metadata)?.id)
}

pub(super) fn proof(metadata: &Metadata, binding: &ProofBinding) -> Result<Value, Failure> {
    let instance = Instance::read(metadata)?;
    let principal = Principal::read(metadata, &instance)?;
    let signature = principal.key.sign(&RSA_PSS_SHA256, binding.as_str().as_bytes())?;
    let session = principal.sign_in(metadata, &instance)?;
    let mut proof = json!({
        "instance_certificate": principal.certificate.text(),
        "intermediates": principal.intermediates.iter().map(Block::text).collect::<Vec<_>>(),
        "binding_signature": Base64UrlUnpadded::encode_string(&signature),
        "roots_request": session.roots_request(&instance)?,
    });
    if let Some(token) = session.marketplace_token(metadata, &instance)? {
        proof["marketplace_token"] = token;
    }
    Ok(proof)
}

/// What the metadata service says of the instance.
struct Instance {
    id: String,
    compartment: String,
    tenancy: String,
    /// Its region's long name, which is a part of hosts.
    region: String,
}

impl Instance {
    fn read(metadata: &Metadata) -> Result<Self, Failure> {
        let text = metadata.get("/opc/v2/instance/", HEADERS)?;
        let document: Value = serde_json::from_str(&text).map_err(|_| metadata.stranger())?;
        let member = |name: &str| document[name].as_str().map(str::to_owned).ok_or_else(|| metadata.stranger());
        if document["regionInfo"]["realmKey"].as_str().is_some_and(|realm| realm != REALM) {
            return Err(Failure::Unprovable(
                "machines of Oracle's sovereign and government realms cannot register".into(),
            ));
        }
        let region = member("canonicalRegionName")?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !region.bytes().all(plain) {
            return Err(metadata.stranger());
        }
        Ok(Self { id: member("id")?, compartment: member("compartmentId")?, tenancy: member("tenantId")?, region })
    }

    fn auth_host(&self) -> String {
        format!("auth.{}.oraclecloud.com", self.region)
    }

    fn marketplace_host(&self) -> String {
        format!("marketplace.{}.oci.oraclecloud.com", self.region)
    }
}

/// The instance as a principal: its certificate and that one's key, which Oracle renews several times a day.
struct Principal {
    certificate: Block,
    intermediates: Vec<Block>,
    key: Key,
}

impl Principal {
    fn read(metadata: &Metadata, instance: &Instance) -> Result<Self, Failure> {
        let blocks = |name: &str| {
            let text = metadata.get(&format!("/opc/v2/identity/{name}"), HEADERS)?;
            pem::blocks(&text).filter(|blocks| !blocks.is_empty()).ok_or_else(|| metadata.stranger())
        };
        let certificate = blocks("cert.pem")?.swap_remove(0);
        let intermediates = blocks("intermediate.pem")?;
        let secret = blocks("key.pem")?.swap_remove(0);
        let pair = match secret.label.as_str() {
            "RSA PRIVATE KEY" => KeyPair::from_der(&secret.der),
            _ => KeyPair::from_pkcs8(&secret.der),
        };
        let pair = pair.map_err(|_| Failure::Unprovable("the instance's key is no RSA key that can be used".into()))?;
        let fingerprint: Vec<_> = Sha256::digest(&certificate.der).iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}/fed-x509-sha256/{}", instance.tenancy, fingerprint.join(":"));
        Ok(Self { certificate, intermediates, key: Key { pair, id } })
    }

    /// A session: a fresh key, and Oracle's token for it.
    fn sign_in(&self, metadata: &Metadata, instance: &Instance) -> Result<Session, Failure> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| output::Unusable::new("an RSA key cannot be made"))?;
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| output::Unusable::new("an RSA key cannot be written"))?;
        let body = json!({
            "certificate": self.certificate.letters(),
            "intermediateCertificates": self.intermediates.iter().map(Block::letters).collect::<Vec<_>>(),
            "publicKey": Base64::encode_string(public.as_ref()),
            "fingerprintAlgorithm": "SHA256",
        });
        let host = instance.auth_host();
        // The federation is the one service whose signatures leave the host out.
        let request = Request { host: &host, path: FEDERATION, body: &body, with_host: false };
        let answer = request.send(metadata, &self.key)?;
        let token = match answer {
            Sent::Answered(answer) => answer["token"].as_str().map(str::to_owned),
            Sent::Refused(status) => {
                return Err(Failure::Unprovable(format!(
                    "Oracle's {host} does not let this instance sign in ({status}): is the machine's clock right?"
                )));
            }
        };
        let token = token.ok_or_else(|| Failure::later(format!("{host} answers without a token")))?;
        Ok(Session(Key { pair, id: format!("ST${token}") }))
    }
}

/// A key that Oracle knows for a while.
struct Session(Key);

impl Session {
    /// The request for the region's roots, for the service to send: signed now, good for five minutes.
    fn roots_request(&self, instance: &Instance) -> Result<Value, Failure> {
        let (host, date) = (instance.auth_host(), date());
        let signed = [("date", date.as_str()), ("(request-target)", &format!("get {ROOTS}")), ("host", &host)];
        let authorization = self.0.authorization(&signed)?;
        Ok(json!({
            "url": format!("https://{host}{ROOTS}"),
            "headers": { "date": date, "host": host, "authorization": authorization },
        }))
    }

    /// The marketplace's word on the instance; none for an image that is not of the marketplace, or without a policy that
    /// lets the instance ask.
    fn marketplace_token(&self, metadata: &Metadata, instance: &Instance) -> Result<Option<Value>, Failure> {
        let body = json!({ "instanceId": instance.id, "compartmentId": instance.compartment });
        let host = instance.marketplace_host();
        let request = Request { host: &host, path: MARKETPLACE, body: &body, with_host: true };
        match request.send(metadata, &self.0)? {
            Sent::Answered(answer) => Ok(Some(answer["serializedJwt"].clone()).filter(Value::is_string)),
            Sent::Refused(status) => {
                output::say(format!("{host} gives this instance no token ({status}): registering without one"));
                Ok(None)
            }
        }
    }
}

/// An RSA key, and what Oracle calls it.
struct Key {
    pair: KeyPair,
    id: String,
}

impl Key {
    fn sign(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(encoding, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Failure::Unprovable("the instance's key does not sign".into()))?;
        Ok(signature)
    }

    /// The header of a request whose named parts are these, in this order.
    fn authorization(&self, parts: &[(&str, &str)]) -> Result<String, Failure> {
        let lines: Vec<_> = parts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        let signature = Base64::encode_string(&self.sign(&RSA_PKCS1_SHA256, lines.join("\n").as_bytes())?);
        Ok(format!(
            r#"Signature version="1",keyId="{}",algorithm="rsa-sha256",headers="{}",signature="{signature}""#,
            self.id,
            names.join(" ")
        ))
    }
}

/// A POST to a service of Oracle's.
struct Request<'r> {
    host: &'r str,
    path: &'r str,
    body: &'r Value,
    with_host: bool,
}

enum Sent {
    Answered(Value),
    Refused(u16),
}

impl Request<'_> {
    fn send(&self, metadata: &Metadata, key: &Key) -> Result<Sent, Failure> {
        let (body, date) = (self.body.to_string(), date());
        let digest = Base64::encode_string(&Sha256::digest(&body));
        let (length, target) = (body.len().to_string(), format!("post {}", self.path));
        let mut parts = vec![("date", date.as_str()), ("(request-target)", &target)];
        if self.with_host {
            parts.push(("host", self.host));
        }
        parts.extend([
            ("content-length", length.as_str()),
            ("content-type", "application/json"),
            ("x-content-sha256", &digest),
        ]);
        let request = http::Request::post(format!("{}{}", metadata.service(self.host), self.path))
            .header("authorization", key.authorization(&parts)?)
            .header("date", &date)
            .header("content-type", "application/json")
            .header("x-content-sha256", &digest);
        let unreachable =
            |error: &dyn std::fmt::Display| Failure::later(format!("{} does not answer: {error}", self.host));
        let request = request.body(body).map_err(|error| unreachable(&error))?;
        let mut answer = agent().run(request).map_err(|error| unreachable(&error))?;
        let status = answer.status().as_u16();
        match status {
            200..=299 => {}
            429 | 500..=599 => return Err(Failure::later(format!("{} is busy ({status})", self.host))),
            _ => return Ok(Sent::Refused(status)),
        }
        let text =
            answer.body_mut().with_config().limit(64 << 10).read_to_string().map_err(|error| unreachable(&error))?;
        serde_json::from_str(&text).map(Sent::Answered).map_err(|error| unreachable(&error))
    }
}

/// Now, as HTTP writes it (RFC 9110, section 5.6.7).
fn date() -> String {
    let now = jiff::Timestamp::from_second(Clock::system().now().unix()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

    use super::*;

    #[test]
    fn the_signature_is_over_the_named_parts_in_their_order() {
        let key = Key { pair: KeyPair::generate(KeySize::Rsa2048).unwrap(), id: "ST$token".to_owned() };
        let instance = Instance {
            id: "i".to_owned(),
            compartment: "c".to_owned(),
            tenancy: "t".to_owned(),
            region: "us-ashburn-1".to_owned(),
        };
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key().as_ref()).unwrap();
        let request = Session(key).roots_request(&instance).unwrap();
        assert_eq!(request["url"], "https://auth.us-ashburn-1.oraclecloud.com/v1/instancePrincipalRootCACertificates");
        let (header, date) = (&request["headers"]["authorization"], &request["headers"]["date"]);
        let (header, date) = (header.as_str().unwrap(), date.as_str().unwrap());
        let field = |name: &str| {
            let (_, rest) = header.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        assert_eq!((field("keyId").as_str(), field("algorithm").as_str()), ("ST$token", "rsa-sha256"));
        assert_eq!(field("headers"), "date (request-target) host");
        let message = format!(
            "date: {date}\n(request-target): get /v1/instancePrincipalRootCACertificates\nhost: auth.us-ashburn-1.oraclecloud.com"
        );
        let signature = Base64::decode_vec(&field("signature")).unwrap();
        public.verify_sig(message.as_bytes(), &signature).unwrap();
    }
}
