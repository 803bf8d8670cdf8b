//! `marque prove`: a machine of a cloud asks its metadata service for a proof, and registers with it.
//!
//! What the machine is comes from its cloud; who speaks for it is a key that is made here, at the first start and whenever
//! the machine is another than the one that the key was made on: an image that was copied with its key is a new machine.

mod aws;
mod azure;
mod failure;
mod gcp;
mod identity;
mod metadata;
mod oci;
mod pem;
mod registration;
mod retry;
mod service;

use marque_core::{Cloud, Fingerprint, ProofBinding};
use serde_json::{Value, json};

use self::failure::Failure;
use self::identity::Identity;
use self::metadata::Metadata;
use self::registration::Registration;
use self::service::Service;
use crate::cli::Prove;
use crate::output::{self, Answer, Outcome, Unusable, plain};

pub(crate) fn run(options: &Prove) -> Answer {
    let done = prepare(options).and_then(|run| retry::until_decided(options.retry, || run.once()));
    match done {
        Ok(Done::Printed(request)) => {
            output::json(&request);
            Ok(Outcome::Good)
        }
        Ok(Done::Answered(answer)) => Ok(told(options, &answer)),
        Err(failure) => {
            if let (true, Some(problem)) = (options.json, failure.problem()) {
                output::json(problem);
            }
            failure.tell()
        }
    }
}

/// What is left to do at each try.
struct Run<'o> {
    options: &'o Prove,
    fingerprint: Fingerprint,
    metadata: Metadata,
    service: Service,
}

/// How a try ended well.
enum Done {
    Printed(Value),
    Answered(Value),
}

fn prepare(options: &Prove) -> Result<Run<'_>, Failure> {
    let fingerprint = match (&options.fingerprint, &options.sid, &options.guid) {
        (Some(value), ..) => Fingerprint { kind: options.fingerprint_kind, value: *value },
        (None, Some(sid), Some(guid)) => marque_core::fingerprint::ad_domain(&options.product, sid, guid),
        _ => return Err(Unusable::new("give --fingerprint, or --sid and --guid").into()),
    };
    let service = Service::at(&options.url)?;
    Ok(Run { options, fingerprint, metadata: Metadata::at(options.metadata.as_deref()), service })
}

impl Run<'_> {
    /// One try, from the machine's id to the answer. A try that was lost on the way is made up for by the next one: the
    /// service knows the machine and its key again.
    fn once(&self) -> Result<Done, Failure> {
        let cloud = self.options.cloud;
        let machine = machine_id(cloud, &self.metadata)?;
        let identity = Identity::of(&self.options.state, cloud, &machine)?;
        let challenge = self.service.challenge(cloud)?;
        let binding = ProofBinding::of(&challenge.text, identity.public_key());
        let audience = format!("{}{binding}", challenge.audience_prefix);
        let proof = proof(cloud, &self.metadata, &binding, &audience)?;
        let registration = Registration::new(self.options, &self.fingerprint, &identity, &challenge, proof);
        let request = registration.signed(&identity);
        if self.options.print {
            return Ok(Done::Printed(self.service.described(&request)));
        }
        let answer = self.service.register(&request)?;
        if answer["nonce"] != *registration.nonce() {
            return Err(Failure::later("the answer is not to this request: is there a proxy between?"));
        }
        identity.keep_answer(&answer)?;
        Ok(Done::Answered(answer))
    }
}

/// Which machine this is, as its metadata service tells it. Nothing of that is proven: it only decides whether a key is
/// this machine's.
fn machine_id(cloud: Cloud, metadata: &Metadata) -> Result<String, Failure> {
    let id: String = match cloud {
        Cloud::Aws => aws::machine_id(metadata),
        Cloud::Azure => azure::machine_id(metadata),
        Cloud::Gcp => gcp::machine_id(metadata),
        Cloud::Oci => oci::machine_id(metadata),
    }?;
    let id = id.trim();
    let good = !id.is_empty() && id.len() <= 255 && id.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| id.to_owned()).ok_or_else(|| metadata.stranger())
}

/// The proof, as a registration carries it.
fn proof(cloud: Cloud, metadata: &Metadata, binding: &ProofBinding, audience: &str) -> Result<Value, Failure> {
    let mut proof = match cloud {
        Cloud::Aws => aws::proof(metadata),
        Cloud::Azure => azure::proof(metadata, binding),
        Cloud::Gcp => gcp::proof(metadata, audience),
        Cloud::Oci => oci::proof(metadata, binding),
    }?;
    proof["cloud"] = json!(cloud);
    Ok(proof)
}

/// Tells what was answered, and whether the licence runs.
fn told(options: &Prove, answer: &Value) -> Outcome {
    if options.json {
        output::json(answer);
    }
    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
    if answer["valid"] != true {
        output::refused(&format!("{} ({})", text(&answer["detail"]), text(&answer["code"])));
        return Outcome::Refused;
    }
    let machine = &answer["machine"];
    output::say(format!(
        "registered: {} {} holds {} ({}, plan {}), which runs until {}. Key and lease are in {}",
        text(&machine["cloud"]),
        text(&machine["instance"]),
        text(&answer["license_id"]),
        text(&answer["mode"]),
        text(&answer["plan"]),
        answer["grace_until"].as_str().map_or_else(|| "it is ended".to_owned(), plain),
        options.state.display()
    ));
    Outcome::Good
}
