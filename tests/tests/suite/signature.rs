//! The publisher's commands at a function URL behind IAM: every call carries a signature of version 4 that AWS would find
//! right, which is reckoned anew.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread::JoinHandle;

use marque_tests::{binary, sigv4};

const KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";

/// A request as it came.
struct Came {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Takes one request on a free port and answers it.
fn one_request(status: &'static str, answer: &'static str) -> (String, JoinHandle<Came>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let came = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a caller");
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        };
        let first = line();
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = line().split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        reader.into_inner().write_all((head + answer).as_bytes()).expect("an answer");
        Came { method, target, headers, body }
    });
    (url, came)
}

fn marque(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(binary("marque"));
    command.env_clear().env("HOME", home.path()).current_dir(home.path());
    command.args(arguments).envs(environment.iter().copied()).output().expect("the command runs")
}

#[test]
fn a_call_is_signed_for_the_function_s_url() {
    let (url, came) = one_request("201 Created", r#"{"id":"cus_01M87R9YRRM4WXK2FFTFFDCPR8"}"#);
    let add = ["customer", "add", "--name", "Ann", "--company", "Örg", "--email", "ann@example.org", "--json"];
    let output = marque(
        &[&add[..], &["--url", &url, "--region", "eu-central-1"]].concat(),
        &[("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", SESSION)],
    );
    let came = came.join().expect("a request");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    came.assert_signed("eu-central-1");
    assert!(came.headers["authorization"].contains("idempotency-key;"), "the key is signed too");
}

#[cfg(unix)]
#[test]
fn what_the_aws_cli_finds_for_a_profile_signs_too_and_beats_the_environment() {
    use std::os::unix::fs::PermissionsExt;

    let (url, came) = one_request("200 OK", r#"{"items":[],"next_cursor":null}"#);
    let folder = tempfile::tempdir().expect("a folder");
    let cli = folder.path().join("aws");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = 'configure export-credentials --format process --profile shop' ] || exit 9\n\
         echo '{{\"Version\":1,\"AccessKeyId\":\"{KEY_ID}\",\"SecretAccessKey\":\"{SECRET}\",\"SessionToken\":\"{SESSION}\",\
         \"Expiration\":\"2099-01-01T00:00:00+00:00\"}}'\n"
    );
    std::fs::write(&cli, script).expect("a file");
    std::fs::set_permissions(&cli, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let list = ["licence", "list", "--email", "ann+tag@example.org", "--profile", "shop", "--region", "us-east-1"];
    let path = folder.path().display().to_string();
    let environment =
        [("PATH", path.as_str()), ("AWS_ACCESS_KEY_ID", "AKIANOTTHISONE"), ("AWS_SECRET_ACCESS_KEY", "no")];
    let output = marque(&[&list[..], &["--url", &url]].concat(), &environment);
    let came = came.join().expect("a request");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(came.target, "/admin/v1/licenses?email=ann%2Btag%40example.org&limit=100");
    came.assert_signed("us-east-1");
}

#[test]
fn a_refused_signature_and_missing_credentials_name_the_cure() {
    let (url, came) = one_request("403 Forbidden", r#"{"Message":"Forbidden"}"#);
    let list = ["product", "list", "--region", "us-east-1", "--url"];
    let keys = [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let refused = marque(&[&list[..], &[&url]].concat(), &keys);
    came.join().expect("a request");
    let without = marque(&[&list[..], &[&url]].concat(), &[]);
    for (output, cure) in [(refused, "lambda:InvokeFunctionUrl"), (without, "install the AWS CLI")] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(cure), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

impl Came {
    /// Holds that the signature is that of this request.
    fn assert_signed(&self, region: &str) {
        let request = http::Request::builder().method(self.method.as_str()).uri(&self.target);
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let (request, ()) = request.body(()).expect("a request").into_parts();
        let expected =
            sigv4::Expected { key_id: KEY_ID, secret: SECRET, session_token: SESSION, region, service: "lambda" };
        assert_eq!(sigv4::check(&request, &self.body, expected), Ok(()));
    }
}
