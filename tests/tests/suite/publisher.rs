//! The publisher's commands against a running service: what they do, what they print, how they end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use marque_tests::{Client, Served, Server, binary};
use serde_json::Value;

/// A folder beside a running service, as its publisher's desk.
pub(crate) struct Desk {
    pub(crate) served: Served,
    folder: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ran(Output);

impl Desk {
    pub(crate) fn new(data: Option<&Path>) -> Self {
        let desk = Self { served: Served::start(data), folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(desk.folder.path().join(".marque")).expect("a folder");
        desk.write(".marque/local.json", &desk.served.info.to_string());
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Runs `marque` at this desk.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(binary("marque"));
        for variable in ["MARQUE_URL", "MARQUE_ADMIN_TOKEN", "AWS_PROFILE", "AWS_REGION"] {
            command.env_remove(variable);
        }
        Ran(command.args(arguments).current_dir(self.folder.path()).output().expect("the command runs"))
    }

    /// Runs `marque … --json`, which must end well, and answers its document.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code(), 0, "{arguments:?}: {}", ran.said());
        ran.json()
    }

    /// The id of a new customer.
    pub(crate) fn customer(&self) -> String {
        let added =
            ["customer", "add", "--name", "Ann Lee", "--company", "Example Org", "--email", "ann.lee@example.org"];
        text(&self.ask(&added), "id")
    }

    /// The id of a new licence.
    pub(crate) fn licence(&self, plan: &str, customer: &str) -> String {
        text(&self.ask(&["licence", "issue", PRODUCT, plan, "--customer", customer]), "id")
    }
}

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout)
            .unwrap_or_else(|_| panic!("no document: {:?} {}", self.printed(), self.said()))
    }
}

pub(crate) const PRODUCT: &str = "kopicloud-ad-api";

pub(crate) fn text(document: &Value, member: &str) -> String {
    document[member].as_str().unwrap_or_default().to_owned()
}

#[test]
fn products_and_plans_are_defined_and_revised() {
    let desk = Desk::new(None);
    desk.ask(&["product", "set", "backup", "--name", "Example Backup"]);
    assert_eq!(desk.ask(&["product", "show", "backup"])["name"], "Example Backup");
    desk.ask(&["product", "set", "backup", "--fingerprint-kind", "custom"]);
    let product = desk.ask(&["product", "show", "backup"]);
    assert_eq!((&product["name"], &product["fingerprint_kind"]), (&"Example Backup".into(), &"custom".into()));
    let listed = desk.ask(&["product", "list"]);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "the demo's and this one: {listed}");
    let yearly = ["plan", "set", "backup", "yearly", "--name", "Yearly", "--kind", "subscription", "--term", "P1Y"];
    let first = desk.ask(&[&yearly[..], &["--discount-max", "50", "--reminders", "30,14,7,1"]].concat());
    let revised = desk.ask(&["plan", "set", "backup", "yearly", "--sale", "legacy", "--grace", "P5D"]);
    assert_ne!(first["revision"], revised["revision"]);
    let plan = desk.ask(&["plan", "show", "backup", "yearly"]);
    for (member, value) in
        [("term", "P1Y"), ("grace", "P5D"), ("sale", "legacy"), ("lease", "P14D"), ("kind", "subscription")]
    {
        assert_eq!(plan[member], value, "what was not given stays: {plan}");
    }
    assert_eq!(plan["reminders"], serde_json::json!([30, 14, 7, 1]));
    let perpetual = ["plan", "set", "backup", "perpetual", "--name", "Perpetual", "--kind", "perpetual"];
    assert_eq!(desk.ask(&perpetual)["term"], Value::Null);
    let short = desk.run(&["plan", "set", "backup", "yearly", "--grace", "P1D"]);
    assert_ne!(short.code(), 0, "a subscription's grace is three days at least");
    assert!(short.said().contains("P3D"), "{}", short.said());
}

#[test]
fn a_licence_is_led_through_its_life() {
    let desk = Desk::new(None);
    let customer = desk.customer();
    let changed = desk.ask(&["customer", "change", &customer, "--company", "Another Org"]);
    assert_eq!((&changed["company"], &changed["name"]), (&"Another Org".into(), &"Ann Lee".into()));
    let found = desk.ask(&["customer", "list", "--email", "ANN.LEE@example.org"]);
    assert_eq!(found["items"][0]["id"], *customer);
    let discount = ["customer", "discount", &customer, "--kind", "education", "--percent", "50", "--note", "a letter"];
    let discount = text(&desk.ask(&discount), "id");
    let issue = ["licence", "issue", PRODUCT, "yearly", "--customer", &customer, "--discount", &discount];
    let issued = desk.ask(&issue);
    let licence = text(&issued, "id");
    assert_eq!(text(&issued, "code").len(), 29, "{issued}");
    for of in
        [["--customer", &customer], ["--month", &text(&issued, "issued_at")[..7]], ["--email", "ann.lee@example.org"]]
    {
        let listed = desk.ask(&["license", "list", of[0], of[1]]);
        let items = listed["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(items.iter().any(|item| item["id"] == *licence), "{of:?}: {listed}");
    }
    let state = |arguments: &[&str]| {
        let changed = desk.ask(&[&["licence", arguments[0], &licence], &arguments[1..]].concat());
        assert_eq!(changed["id"], *licence);
        format!("{} {}", text(&changed, "state"), text(&changed, "plan"))
    };
    assert_eq!(state(&["renew", "-n", "2"]), "active yearly");
    assert_eq!(state(&["change-plan", "monthly"]), "active yearly", "downwards it waits for the renewal");
    assert_eq!(state(&["withdraw-change"]), "active yearly");
    assert_eq!(state(&["cancel", "--reason", "moves away"]), "cancelled yearly");
    assert_eq!(state(&["withdraw-change"]), "active yearly");
    assert_eq!(state(&["suspend", "--reason", "chargeback"]), "suspended yearly");
    assert_eq!(state(&["reinstate", "--reason", "paid", "--consume"]), "active yearly");
    assert_eq!(state(&["change-plan", "perpetual"]), "active perpetual");
    assert_eq!(state(&["revoke", "--reason", "fraud"]), "revoked perpetual");
    let shown = desk.run(&["licence", "show", &licence]);
    assert!(shown.printed().contains("revoked") && shown.printed().contains(&licence), "{}", shown.printed());
    let log = desk.ask(&["licence", "log", &licence]);
    let types: Vec<_> = log["items"].as_array().expect("items").iter().map(|item| text(item, "type")).collect();
    assert_eq!(types.first().map(String::as_str), Some("issued"));
    assert_eq!(types.len(), 10, "{types:?}");
    let told = desk.run(&["licence", "log", &licence]);
    assert_eq!(told.code(), 0, "{}", told.said());
    assert!(told.printed().contains("plan changed"), "{}", told.printed());
}

#[test]
fn a_trial_is_lengthened() {
    let desk = Desk::new(None);
    let trial = desk.ask(&["licence", "issue", PRODUCT, "trial", "--customer", &desk.customer()]);
    let client = Client::new(desk.served.url());
    let activated = client.post("/v1/activations", &Server::in_domain("trial").activation(&text(&trial, "code")));
    let until = text(&activated.expect("an answer").json(), "paid_through");
    let extended =
        desk.ask(&["licence", "extend", &text(&trial, "id"), "--days", "10", "--reason", "waits for hardware"]);
    assert!(text(&extended, "paid_through") > until, "{until}: {extended}");
}

#[test]
fn a_refusal_ends_with_1_and_names_the_rule() {
    let desk = Desk::new(None);
    let licence = desk.licence("perpetual", &desk.customer());
    let renewed = desk.run(&["licence", "renew", &licence]);
    assert_eq!(renewed.code(), 1);
    assert!(renewed.said().starts_with("refused: ") && renewed.printed().is_empty(), "{}", renewed.said());
    let renewed = desk.run(&["licence", "renew", &licence, "--json"]);
    assert_eq!((renewed.code(), renewed.json()["status"].as_u64()), (1, Some(409)));
    let unknown = desk.run(&["licence", "show", "lic_01M87R9YRRM4WXK2FFTFFDCPR8"]);
    assert_eq!(unknown.code(), 1, "{}", unknown.said());
    let over = ["licence", "issue", PRODUCT, "yearly", "--customer", "cus_01M87R9YRRM4WXK2FFTFFDCPR8"];
    assert_eq!(desk.run(&over).code(), 1);
    let named = desk.run(&["customer", "add", "--name", "A\r\nBcc: x@y.z", "--company", " ", "--email", "nobody"]);
    assert_eq!(named.code(), 2);
    assert_eq!(named.said().matches("\n  /").count(), 3, "every fault with its place: {}", named.said());
}

#[test]
fn the_same_key_sells_once() {
    let desk = Desk::new(None);
    let customer = desk.customer();
    let issue = ["licence", "issue", PRODUCT, "yearly", "--customer", &customer, "--idempotency-key", "order-4711"];
    assert_eq!(desk.ask(&issue), desk.ask(&issue));
    let other = ["licence", "issue", PRODUCT, "monthly", "--customer", &customer, "--idempotency-key", "order-4711"];
    assert_eq!(desk.run(&other).code(), 1);
}

#[test]
fn a_deployment_that_cannot_be_used_ends_with_2_and_the_next_step() {
    let desk = Desk::new(None);
    let url = desk.served.url().to_owned();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary("marque"));
        command.env_remove("MARQUE_URL").env_remove("MARQUE_ADMIN_TOKEN");
        Ran(command.args(arguments).current_dir(elsewhere.path()).output().expect("the command runs"))
    };
    for (arguments, step) in [
        (&["product", "list"][..], "--url"),
        (&["product", "list", "--url", &url], "--info"),
        (&["product", "list", "--url", &url, "--token", "not-this-one"], "--info"),
        (&["product", "list", "--url", "http://licences.example.com", "--token", "x"], "https"),
        (&["product", "list", "--url", "nonsense at all"], "https://"),
        (&["product", "list", "--url", "http://127.0.0.1:1", "--token", "x"], "Look whether it runs"),
        (&["product", "list", "--info", "none.json"], "none.json"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}: {}", ran.said());
        assert!(ran.said().contains(step) && ran.printed().is_empty(), "{arguments:?}: {}", ran.said());
        assert!(!ran.said().contains("not-this-one"), "a token is not repeated: {}", ran.said());
    }
    let token = text(&desk.served.info, "admin_token");
    assert_eq!(run(&["product", "list", "--url", &url, "--token", &token]).code(), 0);
}

#[test]
fn a_site_without_internet_gets_a_file_that_is_good_until_it_is_on_the_list() {
    let desk = Desk::new(None);
    let client = Client::new(desk.served.url());
    let licence = desk.licence("perpetual", &desk.customer());
    let fingerprint = text(&Server::in_domain("vault").fingerprint(), "value");
    let unbound = desk.run(&["licence", "file", &licence, "--out", "server.lic"]);
    assert_eq!(unbound.code(), 1, "no domain is known yet: {}", unbound.said());
    let file = ["licence", "file", &licence, "--fingerprint", &fingerprint, "--out"];
    assert_eq!(desk.run(&[&file[..], &["server.lic"]].concat()).code(), 0);
    let again = desk.run(&[&file[..], &["-"]].concat());
    assert_eq!(again.printed(), desk.read("server.lic"), "asked again, the same bytes");
    desk.write("jwks.json", &client.get("/.well-known/jwks.json").expect("an answer").text());
    let list = |name| desk.write(name, &client.get("/v1/revocations").expect("an answer").text());
    let verify = |list: &str| {
        desk.run(&["verify", "server.lic", "--keys", "jwks.json", "--fingerprint", &fingerprint, "--crl", list])
    };
    list("before.json");
    assert_eq!(verify("before.json").code(), 0, "{}", verify("before.json").said());
    desk.ask(&["licence", "release", &licence, "--reason", "the server burnt"]);
    list("moved.json");
    assert_eq!(verify("moved.json").code(), 1);
    assert!(verify("moved.json").said().contains("moved"), "{}", verify("moved.json").said());
    assert_eq!(verify("before.json").code(), 0, "a list says what was known when it was made");
    let sequence = |name: &str| desk.ask(&["inspect", name])["claims"]["seq"].as_u64();
    assert!(sequence("moved.json") > sequence("before.json"));
    desk.ask(&["licence", "revoke", &licence, "--reason", "fraud"]);
    list("revoked.json");
    assert!(verify("revoked.json").said().contains("revoked"), "{}", verify("revoked.json").said());
}

#[test]
fn what_is_known_about_a_customer_is_given_out_and_erased() {
    let desk = Desk::new(None);
    let customer = desk.customer();
    let licence = desk.licence("yearly", &customer);
    desk.ask(&["licence", "suspend", &licence, "--reason", "Ann asked for it"]);
    assert_eq!(desk.run(&["customer", "export", &customer, "--out", "ann.jsonl"]).code(), 0);
    let export = desk.read("ann.jsonl");
    assert!(export.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{export}");
    assert!(export.contains("ann.lee@example.org") && export.contains(&licence));
    assert_eq!(desk.run(&["customer", "erase", &customer, "--reason", "asked"]).code(), 2, "only with --yes");
    assert_eq!(desk.run(&["customer", "erase", &customer, "--reason", "asked", "--yes"]).code(), 0);
    let log = desk.run(&["licence", "log", &licence, "--json"]);
    assert_eq!(log.code(), 0, "the history stands: {}", log.said());
    assert!(!log.printed().contains("Ann"), "{}", log.printed());
    assert_eq!(desk.run(&["audit", "verify", &licence]).code(), 0);
}

#[test]
fn completions_are_scripts() {
    let desk = Desk::new(None);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = desk.run(&["completions", shell]);
        assert_eq!(script.code(), 0);
        assert!(script.printed().contains("change-plan"), "{shell}");
    }
    desk.write("completions.bash", &desk.run(&["completions", "bash"]).printed());
    let checked = Command::new("bash").args(["-n", "completions.bash"]).current_dir(desk.folder.path()).status();
    assert!(checked.expect("a shell").success());
}
