//! The `marque` command: exit codes, `--json`, words that name the cure.

use std::path::Path;
use std::process::{Command, Output};

use marque_tests::{Client, Served, Server, binary};
use serde_json::{Value, json};

fn marque(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary("marque")).args(arguments).current_dir(folder).output().expect("the command runs")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn verify_judges_files_leases_denials_lists_and_key_sets() {
    let served = Served::start(None);
    let client = Client::new(served.url());
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).expect("a file");
    let get = |path: &str| client.get(path).expect("an answer").text();
    let mut server = Server::in_domain("one");
    let activated =
        client.post("/v1/activations", &server.activation(served.code("perpetual"))).expect("an answer").json();
    let denied = client
        .post("/v1/activations", &Server::in_domain("two").activation(served.code("perpetual")))
        .expect("an answer")
        .json();
    let path = format!("/v1/licenses/{}/file", activated["license_id"].as_str().unwrap_or_default());
    let header = format!("License {}", served.code("perpetual"));
    let file = client.call("GET", &path, &[("authorization", &header)], &[]).expect("an answer").text();
    write("server.lic", &file);
    write("mailed.lic", &format!("\u{feff}Dear customer,\r\n\r\n{}\r\nRegards\r\n", file.replace('\n', "\r\n")));
    write("tampered.lic", &file.replace("-----BEGIN MARQUE LICENSE-----\ne", "-----BEGIN MARQUE LICENSE-----\nf"));
    write("lease.jwt", activated["lease"].as_str().unwrap_or_default());
    write("denial.jwt", denied["denial"].as_str().unwrap_or_default());
    write("jwks.json", &get("/.well-known/jwks.json"));
    write("keys.jwt", &get("/.well-known/keys.jwt"));
    write("list.json", &get("/v1/revocations"));
    write("root.json", &served.info["root"].to_string());
    let run = |arguments: &[&str]| marque(folder.path(), arguments);
    let keys = ["--keys", "jwks.json"];
    for (file, expected) in [
        ("server.lic", 0),
        ("mailed.lic", 0),
        ("tampered.lic", 1),
        ("lease.jwt", 0),
        ("denial.jwt", 1),
        ("list.json", 0),
        ("none.lic", 2),
        ("jwks.json", 1),
    ] {
        let output = run(&["verify", file, keys[0], keys[1]]);
        assert_eq!(code(&output), Some(expected), "{file}: {}", said(&output));
    }
    let by_root =
        run(&["verify", "lease.jwt", "--root", "root.json", "--key-set", "keys.jwt", "--aud", "kopicloud-ad-api"]);
    assert_eq!(code(&by_root), Some(0), "{}", said(&by_root));
    assert_eq!(code(&run(&["verify", "keys.jwt", "--root", "root.json"])), Some(0));
    assert_eq!(code(&run(&["verify", "lease.jwt", "--keys", "jwks.json", "--aud", "another"])), Some(1));
    assert_eq!(code(&run(&["verify", "lease.jwt", "--keys", "jwks.json", "--fingerprint", &"0".repeat(64)])), Some(1));
    assert_eq!(code(&run(&["verify", "lease.jwt", "--keys", "jwks.json", "--at", "2099-01-01T00:00:00Z"])), Some(1));
    assert_eq!(
        code(&run(&[
            "verify",
            "server.lic",
            "--keys",
            "jwks.json",
            "--at",
            "2099-01-01T00:00:00Z",
            "--crl",
            "list.json"
        ])),
        Some(0)
    );
    assert_eq!(code(&run(&["verify", "server.lic"])), Some(2), "no keys were given");
    assert_eq!(
        code(&run(&["verify", "server.lic", "--keys", &format!("{}/.well-known/jwks.json", served.url())])),
        Some(0)
    );
    let json = run(&["verify", "server.lic", "--keys", "jwks.json", "--json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    assert_eq!((&document["verdict"], &document["claims"]["expires"]), (&"good".into(), &Value::Null));
    let inspected = run(&["inspect", "tampered.lic", "--json"]);
    assert_eq!(code(&inspected), Some(1));
    assert!(said(&run(&["inspect", "server.lic"])).contains("NOT VERIFIED"));
}

#[test]
fn codes_are_checked_without_asking_anybody() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, expected) in [
        ("marqv e0123 45678 9abcd efgjy", 0),
        ("A0000-F5416-5B71B-AC380-95077", 0),
        ("MARQV-E0123-45678-9ABCD-EFGJX", 1),
    ] {
        assert_eq!(code(&marque(folder.path(), &["code", "check", text])), Some(expected), "{text}");
    }
    assert_eq!(code(&marque(folder.path(), &["code"])), Some(2));
}

#[test]
fn a_root_a_first_ring_and_a_rotation() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let output = marque(folder.path(), arguments);
        (code(&output), said(&output), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&["keys", "root", "--out", "root.json"]).0, Some(0));
    assert_eq!(run(&["keys", "root", "--out", "root.json"]).0, Some(2), "a root is never overwritten");
    let rotate = ["keys", "rotate", "--ring", "ring.json", "--root", "root.json", "--at", "2027-01-01T00:00:00Z"];
    assert_eq!(run(&rotate).0, Some(2), "a first ring needs its issuer");
    let (exit, words, _) = run(&[&rotate[..], &["--issuer", "https://licences.example.com"]].concat());
    assert_eq!(exit, Some(0), "{words}");
    assert_eq!(run(&rotate).0, Some(0));
    assert_eq!(run(&rotate).0, Some(2), "one rotation at a time");
    let (_, _, listed) = run(&["keys", "list", "--ring", "ring.json", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let keys = listed["keys"].as_array().expect("keys");
    assert_eq!((keys.len(), &listed["seq"]), (3, &2.into()));
    assert!(keys.iter().any(|key| key["sign_from"] == "2027-01-03T00:00:00Z" && key["sign_until"].is_null()));
    assert!(keys.iter().any(|key| key["sign_until"] == "2027-01-04T00:00:00Z"));
    assert!(!listed.to_string().contains("seed"), "a list shows no secrets");
}

/// The public key is the example of RFC 8410 section 10.1; the rest is as the AWS CLI prints it.
#[test]
fn a_file_key_in_kms_is_listed_and_followed_only_by_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let output = marque(folder.path(), arguments);
        (code(&output), said(&output), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let answer = |public_key: &str| json!({"KeyId": "arn:aws:kms:eu-west-1:123456789012:key/1", "PublicKey": public_key, "KeyUsage": "SIGN_VERIFY"});
    let write = |name: &str, content: Value| {
        std::fs::write(folder.path().join(name), content.to_string()).expect("a file");
    };
    write("file-key.json", answer("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="));
    write("rsa.json", answer("MA0GCSqGSIb3DQEBAQUAA4GNADCB"));
    assert_eq!(run(&["keys", "root", "--out", "root.json"]).0, Some(0));
    let rotate = ["keys", "rotate", "--ring", "ring.json", "--root", "root.json", "--at", "2027-01-01T00:00:00Z"];
    let first = [&rotate[..], &["--issuer", "https://licences.example.com", "--kms"]].concat();
    let (exit, words, _) = run(&[&first[..], &["rsa.json"]].concat());
    assert_eq!(exit, Some(2));
    assert!(words.contains("ECC_NIST_EDWARDS25519"), "{words}");
    assert_eq!(run(&[&first[..], &["file-key.json"]].concat()).0, Some(0));
    let (_, _, listed) = run(&["keys", "list", "--ring", "ring.json"]);
    assert!(listed.lines().any(|line| line.contains("license+jwt") && line.contains("KMS")), "{listed}");
    let file = [&rotate[..], &["--duty", "file"]].concat();
    let (exit, words, _) = run(&file);
    assert_eq!(exit, Some(2), "a seed takes the place of a key in KMS");
    assert!(words.contains("--kms"), "{words}");
    assert_eq!(run(&[&rotate[..], &["--kms", "file-key.json"]].concat()).0, Some(2), "a lease key in KMS");
    assert_eq!(run(&rotate).0, Some(0), "the lease key rotates as ever");
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["verify", "--help"],
        &["inspect", "--help"],
        &["keys", "--help"],
        &["keys", "rotate", "--help"],
        &["code", "check", "--help"],
    ] {
        let output = marque(folder.path(), arguments);
        assert_eq!(code(&output), Some(0));
        assert!(output.stdout.len() > 200, "{arguments:?}");
    }
}
