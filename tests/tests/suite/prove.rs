//! `marque prove` on machines of every cloud: their metadata services are simulated by `marque serve`, and misbehave
//! where a test says so.

use std::path::Path;
use std::process::{Command, Output};

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use marque_tests::{Between, Client, Fate, Served, Server, binary};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CLOUDS: [&str; 4] = ["aws", "azure", "gcp", "oci"];
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330";
const GUID: &str = "3F2504E0-4F89-11D3-9A0C-0305E82C3301";

/// A service, and a folder for each machine's state.
struct Site {
    served: Served,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { served: Served::start(None), folder: tempfile::tempdir().expect("a folder") }
    }

    fn url(&self) -> &str {
        self.served.url()
    }

    /// The metadata service of a machine that was started from a listing.
    fn machine(&self, cloud: &str, listing: &str, instance: &str) -> String {
        format!("{}/local/clouds/{cloud}/machines/{listing}/{instance}", self.url())
    }

    /// Runs the command as an image would, with its state in a folder of this name.
    fn prove(&self, cloud: &str, metadata: &str, state: &str, more: &[&str]) -> Output {
        self.command(cloud, metadata, self.url(), state, more).output().expect("the command runs")
    }

    fn command(&self, cloud: &str, metadata: &str, url: &str, state: &str, more: &[&str]) -> Command {
        let mut command = Command::new(binary("marque"));
        let product = self.served.info["demo"]["product"].as_str().expect("a product");
        command.args(["prove", "--cloud", cloud, "--url", url, "--metadata", metadata, "--product", product]);
        command.args(["--sid", SID, "--guid", GUID]).arg("--state").arg(self.folder.path().join(state)).args(more);
        for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY"]
        {
            command.env_remove(variable);
        }
        command
    }

    fn kept(&self, state: &str, file: &str) -> Value {
        let path = self.folder.path().join(state).join(file);
        serde_json::from_slice(&std::fs::read(&path).expect("a file that was kept")).expect("JSON")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The answer of a run that ended with this exit code.
#[track_caller]
fn ended(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// A check of the machine's product, signed with the key that was kept.
fn signed_check(client: &Client, machine: &Value, license: &Value) -> Value {
    let seed = Base64UrlUnpadded::decode_vec(machine["seed"].as_str().expect("a seed")).expect("base64url");
    let key = SigningKey::from_bytes(&seed.try_into().expect("32 bytes"));
    let mut check = Server::in_domain("unused").validation(license.as_str().expect("a licence"), None);
    let product = "kopicloud-ad-api".parse().expect("a slug");
    check["fingerprint"] = json!(marque_core::fingerprint::ad_domain(&product, SID, GUID));
    check["instance_id"] = machine["instance_id"].clone();
    let body = check.to_string();
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = key.sign(format!("marque/request/v1\nPOST\n/v1/validations\n{digest}").as_bytes());
    let signature = Base64UrlUnpadded::encode_string(&signature.to_bytes());
    let headers = [("content-type", "application/json"), ("marque-signature", signature.as_str())];
    let answer = client.call("POST", "/v1/validations", &headers, body.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_machine_of_each_cloud_registers_and_proves_itself_again() {
    let site = Site::new();
    let client = Client::new(site.url());
    for cloud in CLOUDS {
        let metadata = site.machine(cloud, "billed", "vm-1");
        let first = ended(&site.prove(cloud, &metadata, cloud, &["--json"]), 0);
        assert_eq!((&first["valid"], &first["mode"]), (&json!(true), &json!("billed")), "{cloud}");
        assert_eq!(first["confirmed"], cloud != "aws", "{cloud}");
        let machine = site.kept(cloud, "machine.json");
        let instance = first["machine"]["instance"].as_str().expect("an instance");
        assert_eq!(machine["machine"], format!("{cloud}/{instance}"));
        assert_eq!(site.kept(cloud, "registration.json"), first, "the product finds the lease there");
        assert_eq!(signed_check(&client, &machine, &first["license_id"])["valid"], true, "{cloud}");
        let again = ended(&site.prove(cloud, &metadata, cloud, &["--json"]), 0);
        assert_eq!(again["license_id"], first["license_id"], "{cloud}");
        assert_eq!(site.kept(cloud, "machine.json"), machine, "the key is kept");
    }
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let site = Site::new();
    ended(&site.prove("aws", &site.machine("aws", "billed", "vm"), "new/state", &[]), 0);
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let folder = site.folder.path().join("new/state");
    assert_eq!(mode(&folder), 0o700);
    for file in ["machine.json", "registration.json"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[test]
fn an_image_that_was_copied_with_its_key_gets_a_key_of_its_own() {
    let site = Site::new();
    ended(&site.prove("azure", &site.machine("azure", "billed", "first"), "state", &[]), 0);
    let first = site.kept("state", "machine.json");
    let output = site.prove("azure", &site.machine("azure", "billed", "copy"), "state", &[]);
    ended(&output, 0);
    assert!(said(&output).contains("another machine"), "{}", said(&output));
    let copy = site.kept("state", "machine.json");
    for member in ["machine", "seed", "public_key", "instance_id"] {
        assert_ne!(first[member], copy[member], "{member}");
    }
    // Refused or not, the old key is not shown for the new machine.
    let taken = site.prove("azure", &site.machine("azure", "none", "third"), "state", &[]);
    ended(&taken, 1);
    assert!(!site.folder.path().join("state/registration.json").exists(), "another machine's lease is not left lying");
}

#[test]
fn a_listing_without_a_licence_takes_a_code_once() {
    let site = Site::new();
    for cloud in ["aws", "oci"] {
        let metadata = site.machine(cloud, "byol", "vm");
        let without = site.prove(cloud, &metadata, cloud, &["--json"]);
        assert_eq!(ended(&without, 1)["code"], "BYOL_CODE_REQUIRED", "{cloud}");
        let mistyped = site.prove(cloud, &metadata, cloud, &["--code", "MARQV-E0123-45678-9ABCD-EFGJX"]);
        ended(&mistyped, 1);
        assert!(said(&mistyped).contains("CODE_MISTYPED"), "{}", said(&mistyped));
        let code = site.served.code(if cloud == "aws" { "yearly" } else { "monthly" });
        let registered = ended(&site.prove(cloud, &metadata, cloud, &["--json", "--code", code]), 0);
        assert_eq!(registered["mode"], "byol", "{cloud}");
        let again = ended(&site.prove(cloud, &metadata, cloud, &["--json"]), 0);
        assert_eq!(again["license_id"], registered["license_id"], "a known machine needs no code");
    }
}

#[test]
fn a_refusal_and_a_faulty_call_are_told_apart() {
    let site = Site::new();
    let unlisted = site.prove("gcp", &site.machine("gcp", "none", "vm"), "a", &["--json"]);
    assert_eq!(ended(&unlisted, 1)["code"], "PRODUCT_NOT_LISTED");
    let metadata = site.machine("gcp", "billed", "vm");
    for faulty in [&["--fingerprint", "ab"][..], &["--retry=tomorrow"], &["--print", "--retry"]] {
        ended(&site.prove("gcp", &metadata, "b", faulty), 2);
    }
    let clear = site.command("gcp", &metadata, "http://licences.example.com", "b", &[]).output().expect("it runs");
    ended(&clear, 2);
    std::fs::create_dir_all(site.folder.path().join("damaged")).expect("a folder");
    std::fs::write(site.folder.path().join("damaged/machine.json"), "{").expect("a file");
    let damaged = site.prove("gcp", &metadata, "damaged", &[]);
    ended(&damaged, 2);
    assert!(said(&damaged).contains("remove it"), "{}", said(&damaged));
}

#[test]
fn what_is_printed_is_what_would_be_sent() {
    let site = Site::new();
    let output = site.prove("gcp", &site.machine("gcp", "billed", "vm"), "state", &["--print"]);
    let request = ended(&output, 0);
    let (headers, body) = (&request["headers"], request["body"].as_str().expect("a body"));
    let headers: Vec<_> = headers.as_object().expect("headers").iter().collect();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect();
    assert_eq!(request["url"], format!("{}/v1/registrations", site.url()));
    let answer = Client::new(site.url()).call("POST", "/v1/registrations", &headers, body.as_bytes());
    assert_eq!(answer.expect("an answer").status, 201);
}

/// The n-th request for a document, counted from 0.
fn documents(asked: &[String]) -> usize {
    asked.iter().filter(|target| target.contains("/attested/document")).count()
}

#[test]
fn azure_is_asked_again_when_an_earlier_nonce_comes_back() {
    let site = Site::new();
    let stale = |path: &str| {
        let (path, _) = path.split_once("&nonce=").expect("a nonce");
        Fate::Instead(format!("{path}&nonce={}", "0".repeat(32)))
    };
    // The first request is for the machine's id.
    let twice = Between::start(&site.machine("azure", "billed", "vm"), move |before, path| match before {
        1 | 2 => stale(path),
        _ => Fate::Pass,
    });
    ended(&site.prove("azure", &twice.url(), "twice", &[]), 0);
    assert_eq!(documents(&twice.asked()), 3);
    let always = Between::start(&site.machine("azure", "billed", "vm"), move |before, path| match before {
        0 => Fate::Pass,
        _ => stale(path),
    });
    let output = site.prove("azure", &always.url(), "always", &[]);
    ended(&output, 3);
    assert!(said(&output).contains("another challenge"), "{}", said(&output));
}

#[test]
fn a_host_of_azure_that_knows_an_older_version_is_asked_in_that() {
    let site = Site::new();
    let old = Between::start(&site.machine("azure", "billed", "vm"), |_, path| match path.contains("2025-04-07") {
        true => Fate::Answer(400, vec![], r#"{"error":"Bad request. api-version is invalid"}"#.to_owned()),
        false => Fate::Pass,
    });
    ended(&site.prove("azure", &old.url(), "state", &[]), 0);
}

#[test]
fn a_machine_of_google_without_a_service_account_is_told_the_cure() {
    let site = Site::new();
    let bare = Between::start(&site.machine("gcp", "billed", "vm"), |_, path| match path.contains("/identity") {
        true => Fate::Answer(404, vec![], "<html>".to_owned()),
        false => Fate::Pass,
    });
    let output = site.prove("gcp", &bare.url(), "state", &["--retry"]);
    ended(&output, 4);
    assert!(said(&output).contains("set-service-account"), "{}", said(&output));
}

#[test]
fn another_clouds_metadata_service_is_no_proof() {
    let site = Site::new();
    for (cloud, other) in [("aws", "gcp"), ("azure", "oci"), ("gcp", "aws"), ("oci", "azure")] {
        ended(&site.prove(cloud, &site.machine(other, "billed", "vm"), "state", &["--retry"]), 4);
    }
    // Google's is known by its answers, too.
    let stranger = Between::start(site.url(), |_, _| Fate::Answer(200, vec![], "1".to_owned()));
    ended(&site.prove("gcp", &stranger.url(), "state", &[]), 4);
}

#[test]
fn no_redirect_of_a_metadata_service_is_followed() {
    let site = Site::new();
    for cloud in CLOUDS {
        let elsewhere = Between::start(&site.machine(cloud, "billed", "vm"), |_, _| Fate::Pass);
        let there = elsewhere.url();
        let moved = Between::start(site.url(), move |_, path| {
            Fate::Answer(307, vec![("location", format!("{there}{path}"))], String::new())
        });
        ended(&site.prove(cloud, &moved.url(), cloud, &[]), 4);
        assert_eq!((moved.asked().len(), elsewhere.asked()), (1, Vec::new()), "{cloud}");
    }
}

#[test]
fn no_proxy_comes_between_a_machine_and_its_metadata_service() {
    let site = Site::new();
    let metadata = Between::start(&site.machine("aws", "billed", "vm"), |_, _| Fate::Pass);
    let proxy = Between::start(site.url(), |_, _| Fate::Answer(502, vec![], String::new()));
    let mut command = site.command("aws", &metadata.url(), site.url(), "state", &[]);
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        command.env(variable, proxy.url());
    }
    ended(&command.output().expect("the command runs"), 3);
    assert_eq!(metadata.asked().len(), 2, "a token and the machine's id");
    assert_eq!(
        proxy.asked().len(),
        1,
        "the service is asked as everything else of this machine is: {:?}",
        proxy.asked()
    );
    assert!(
        proxy.asked()[0].contains("/v1/challenges") || proxy.asked()[0].contains("127.0.0.1"),
        "{:?}",
        proxy.asked()
    );
}

#[test]
fn who_does_not_answer_is_asked_again_later() {
    let site = Site::new();
    let silent = Between::start(site.url(), |_, _| Fate::Silence);
    let output = site.prove("gcp", &silent.url(), "state", &[]);
    ended(&output, 3);
    assert!(said(&output).contains("does not answer"), "{}", said(&output));
    let metadata = site.machine("gcp", "billed", "vm");
    let portal = Between::start(site.url(), |_, _| Fate::Answer(200, vec![], "<html>Please log in".to_owned()));
    let blocked = Between::start(site.url(), |_, _| Fate::Answer(403, vec![], r#"{"Message":"Forbidden"}"#.to_owned()));
    for between in [portal, blocked] {
        let output = site.command("gcp", &metadata, &between.url(), "state", &[]).output().expect("the command runs");
        ended(&output, 3);
        assert!(said(&output).contains("proxy"), "{}", said(&output));
    }
}

#[test]
fn an_unattended_start_goes_on_until_the_service_is_there() {
    let site = Site::new();
    let metadata = site.machine("azure", "billed", "vm");
    let busy = || {
        let problem = json!({"status": 503, "code": "PROOF_SOURCE_UNAVAILABLE", "detail": "Not now."}).to_string();
        Fate::Answer(503, vec![("retry-after", "1".to_owned())], problem)
    };
    let between = Between::start(site.url(), move |before, _| match before {
        0 | 2 => busy(),
        // The machine is registered then, and finds that out at the next try.
        4 => Fate::Lost,
        _ => Fate::Pass,
    });
    let run =
        |more: &[&str]| site.command("azure", &metadata, &between.url(), "state", more).output().expect("it runs");
    ended(&run(&[]), 3);
    let output = run(&["--retry", "--json"]);
    assert_eq!(ended(&output, 0)["valid"], true);
    assert_eq!(said(&output).matches("Again in").count(), 2, "{}", said(&output));
    assert_eq!(between.asked().len(), 7);
    let soon = site.command("azure", &metadata, "http://127.0.0.1:1", "state", &["--retry=PT0S"]).output();
    ended(&soon.expect("the command runs"), 3);
}

#[test]
fn an_answer_to_another_request_is_none() {
    let site = Site::new();
    let metadata = site.machine("gcp", "billed", "vm");
    let first = ended(&site.prove("gcp", &metadata, "state", &["--json"]), 0);
    let replayed = Between::start(site.url(), move |_, path| match path == "/v1/registrations" {
        true => Fate::Answer(200, vec![], first.to_string()),
        false => Fate::Pass,
    });
    let output = site.command("gcp", &metadata, &replayed.url(), "state", &[]).output().expect("the command runs");
    ended(&output, 3);
}
