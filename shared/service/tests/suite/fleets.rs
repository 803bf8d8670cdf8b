//! Random lives of an account's machines that a cloud bills: which of them holds what is told by invariants.

use std::collections::{BTreeMap, BTreeSet};

use marque_core::event::{Head, What};
use marque_core::{Cloud, Duration, FingerprintValue, License, LicenseId, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{PRODUCT, slug};
use crate::machines::{Clouds, Place, key, place};

const MACHINES: [&str; 3] = ["one", "two", "three"];
const DOMAINS: u8 = 3;

#[derive(Debug, Clone, Copy)]
enum Deed {
    /// A machine comes with a key, in a domain.
    Register {
        machine: usize,
        key: u8,
        domain: u8,
    },
    /// It is stopped and started: AWS tells so.
    Restart(usize),
    Wait {
        hours: u32,
    },
    ShutOut(usize),
}

fn deeds() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => (0..MACHINES.len(), 1_u8..4, 1..=DOMAINS)
            .prop_map(|(machine, key, domain)| Deed::Register { machine, key, domain }),
        2 => (0..MACHINES.len()).prop_map(Deed::Restart),
        4 => (1_u32..30).prop_map(|hours| Deed::Wait { hours }),
        1 => (0..MACHINES.len()).prop_map(Deed::ShutOut),
    ]
}

/// The listing that a machine was started from, and its plan.
fn listing(cloud: Cloud, machine: usize) -> (Option<&'static str>, &'static str) {
    if cloud == Cloud::Azure && machine == 2 { (Some("us/product/pair"), "pair") } else { (None, "billed") }
}

/// A fleet, and what its registrations have told.
struct Fleet {
    clouds: Clouds,
    cloud: Cloud,
    started: [Timestamp; MACHINES.len()],
    shut_out: BTreeSet<usize>,
    account: String,
    /// Machines by the ids that the cloud gave them.
    ids: BTreeMap<usize, String>,
    licenses: BTreeSet<LicenseId>,
}

impl Fleet {
    async fn new(cloud: Cloud) -> Self {
        Self {
            clouds: Clouds::new().await,
            cloud,
            started: ["2027-03-01T08:00:00Z".parse().unwrap(); MACHINES.len()],
            shut_out: BTreeSet::new(),
            account: String::new(),
            ids: BTreeMap::new(),
            licenses: BTreeSet::new(),
        }
    }

    fn place(&self, machine: usize, domain: u8) -> Place<'static> {
        let at = place(self.cloud, MACHINES[machine], domain);
        let claim = listing(self.cloud, machine).0.unwrap_or(at.claim);
        Place { claim, started: Some(self.started[machine]), ..at }
    }

    async fn live(&mut self, deed: Deed) -> Result<(), TestCaseError> {
        match deed {
            Deed::Wait { hours } => self.clouds.house.later(Duration::hours(hours)),
            Deed::Restart(machine) => {
                self.clouds.house.later(Duration::from_seconds(60));
                self.started[machine] = self.clouds.house.now();
            }
            Deed::ShutOut(machine) => self.shut_out(machine).await,
            Deed::Register { machine, key, domain } => self.register(machine, key, domain).await?,
        }
        Ok(())
    }

    async fn shut_out(&mut self, machine: usize) {
        let Some(instance) = self.ids.get(&machine) else { return };
        let registered = json!({ "machine": { "cloud": self.cloud, "instance": instance } });
        self.clouds.act(&registered, "revoke").await.ok(200);
        self.shut_out.insert(machine);
    }

    async fn register(&mut self, machine: usize, number: u8, domain: u8) -> Result<(), TestCaseError> {
        let held = self.held(domain).await;
        let holds_it = held.as_ref().is_some_and(|(instance, license)| {
            let holder = license.activations.get(&fingerprint(domain)).and_then(|activation| activation.public_key);
            self.ids.get(&machine) == Some(instance) && holder == Some(*key(number).verifying_key().as_bytes())
        });
        let answer = self.clouds.register(&key(number), self.place(machine, domain)).await;
        let body = answer.json();
        if !answer.status.is_success() {
            prop_assert!(["MACHINE_TAKEN", "DOMAIN_TAKEN"].contains(&body["code"].as_str().unwrap()), "{}", body);
            prop_assert!(!holds_it || self.shut_out.contains(&machine), "whoever holds it goes on: {}", body);
            return Ok(());
        }
        prop_assert!(!self.shut_out.contains(&machine), "it was shut out: {}", body);
        prop_assert_eq!((&body["valid"], &body["plan"]), (&json!(true), &json!(listing(self.cloud, machine).1)));
        if let (true, Some((_, license))) = (holds_it, held) {
            prop_assert_eq!(&body["license_id"], &json!(license.id));
        }
        self.learn(machine, &body);
        let check = self.clouds.check_with(&body, domain, &key(number)).await;
        prop_assert_eq!(check.ok(200)["valid"].clone(), json!(true));
        Ok(())
    }

    fn learn(&mut self, machine: usize, body: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.account = text(&body["machine"]["account"]);
        self.ids.insert(machine, text(&body["machine"]["instance"]));
        self.licenses.insert(text(&body["license_id"]).parse().unwrap());
    }

    /// The machine that a domain's licence is billed to, and the licence.
    async fn held(&self, domain: u8) -> Option<(String, License)> {
        let (store, product) = (self.clouds.house.store(), slug(PRODUCT));
        let billed = store.billed(self.cloud, &self.account, &product, &fingerprint(domain)).await.unwrap()?;
        Some((billed.instance, store.license(billed.license).await.unwrap().unwrap()))
    }

    async fn holds_together(&self) -> Result<(), TestCaseError> {
        let (mut holders, mut billed) = (BTreeSet::new(), BTreeSet::new());
        for domain in 1..=DOMAINS {
            let Some((instance, license)) = self.held(domain).await else { continue };
            prop_assert!(billed.insert(license.id), "one licence in two domains");
            if license.activations.contains_key(&fingerprint(domain)) {
                prop_assert!(holders.insert(instance), "one machine in two domains");
            }
        }
        for id in &self.licenses {
            let license = self.clouds.house.store().license(*id).await.unwrap().unwrap();
            prop_assert!(license.activations.len() <= 1, "{:?}", license.activations);
            prop_assert!(
                license.activations.values().all(|activation| activation.forks == 0),
                "no holder is a stranger"
            );
            self.history_agrees(&license).await?;
        }
        Ok(())
    }

    /// Every rebind that counts is told, and no more than the plan allows.
    async fn history_agrees(&self, license: &License) -> Result<(), TestCaseError> {
        let (mut head, mut rebinds) = (Head::START, 0);
        for event in self.clouds.house.store().history(license.id, head, 1_000).await.unwrap() {
            prop_assert!(event.follows(head), "entry {} breaks the chain", event.seq);
            head = event.head();
            let counted =
                matches!(event.what, What::MachineChanged { rebind: true, .. } | What::Activated { rebind: true, .. });
            rebinds += usize::from(counted);
        }
        prop_assert_eq!(head, license.head);
        prop_assert_eq!(rebinds, license.bindings.rebinds_in_a_year(self.clouds.house.now()));
        prop_assert!(rebinds <= 3, "{}", rebinds);
        Ok(())
    }
}

fn fingerprint(domain: u8) -> FingerprintValue {
    FingerprintValue([domain; 32])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_machine_holds_one_domain_and_whoever_holds_it_goes_on(
        cloud in prop::sample::select(vec![Cloud::Aws, Cloud::Azure, Cloud::Gcp]),
        deeds in prop::collection::vec(deeds(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fleet = Fleet::new(cloud).await;
            for deed in deeds {
                fleet.live(deed).await?;
                fleet.holds_together().await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
