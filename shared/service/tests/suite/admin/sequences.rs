//! Random lives of licences through the real handlers, held to the plain model of the rules.

use marque_core::event::Head;
use marque_core::{Duration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{act, put_plan, sell, shop, text};
use crate::harness::House;
use crate::model::{Deed, Model};

#[derive(Debug, Clone, Copy)]
enum Wait {
    Days(u32),
    /// To so many seconds after the last paid one.
    PaidThrough(u32),
    /// To so many seconds after the end of the grace.
    GraceUntil(u32),
}

fn waits() -> impl Strategy<Value = Wait> {
    prop_oneof![
        3 => (0_u32..40).prop_map(Wait::Days),
        1 => (40_u32..400).prop_map(Wait::Days),
        1 => (0_u32..2).prop_map(Wait::PaidThrough),
        1 => (0_u32..2).prop_map(Wait::GraceUntil),
    ]
}

fn deeds() -> impl Strategy<Value = Deed> {
    let plans = vec!["monthly", "sixty", "yearly", "weekly", "old", "later", "perpetual"];
    prop_oneof![
        6 => (0_u32..5).prop_map(Deed::Renew),
        5 => prop::sample::select(plans).prop_map(Deed::Change),
        2 => Just(Deed::Withdraw),
        2 => Just(Deed::Cancel),
        2 => Just(Deed::Suspend),
        4 => any::<bool>().prop_map(|consume| Deed::Reinstate { consume }),
        1 => prop::bool::weighted(0.2).prop_map(|ends| if ends { Deed::Revoke } else { Deed::Renew(1) }),
        2 => (0_u16..50).prop_map(Deed::Extend),
    ]
}

fn call(deed: Deed) -> (&'static str, Value) {
    match deed {
        Deed::Renew(n) => ("renew", json!({"n": n})),
        Deed::Change(plan) => ("change-plan", json!({"plan": plan})),
        Deed::Withdraw => ("withdraw-change", json!({})),
        Deed::Cancel => ("cancel", json!({})),
        Deed::Suspend => ("suspend", json!({"reason": "x"})),
        Deed::Reinstate { consume } => ("reinstate", json!({"reason": "x", "consume": consume})),
        Deed::Revoke => ("revoke", json!({"reason": "x"})),
        Deed::Extend(days) => ("extend", json!({"days": days, "reason": "x"})),
        Deed::Release { .. } => ("release", json!({"reason": "x"})),
    }
}

/// The plans that the model knows.
async fn wide(house: &House) {
    for (name, changes) in [
        ("weekly", json!({"term": "P7D", "grace": "P3D"})),
        ("old", json!({"term": "P1M"})),
        ("sixty", json!({"term": "P60D", "grace": "P5D"})),
        ("later", json!({"term": "P1Y", "grace": "P3D", "starts": "activation"})),
    ] {
        put_plan(house, name, &changes).await;
    }
}

async fn agree(house: &House, license: &Value, model: &Model) -> Result<(), TestCaseError> {
    let now = house.now();
    let seen = house.validate(text(&license["id"]).parse().unwrap(), 1).await.ok(200);
    let second = |value: &Value| value.as_str().map(|text| text.parse::<Timestamp>().unwrap().unix());
    prop_assert_eq!(&seen["state"], model.state(now.unix()), "state at {}", now);
    prop_assert_eq!(&seen["valid"], model.runs(now.unix()), "verdict at {}", now);
    prop_assert_eq!(&seen["plan"], model.plan(now.unix()), "plan at {}", now);
    prop_assert_eq!(second(&seen["paid_through"]), model.paid_through(), "paid_through at {}", now);
    prop_assert_eq!(second(&seen["grace_until"]), model.grace_until(), "grace_until at {}", now);
    Ok(())
}

async fn live(plan: &'static str, born: Timestamp, life: Vec<(Wait, Deed)>) -> Result<(), TestCaseError> {
    let (house, customer) = shop().await;
    house.app.clock().set(born);
    wide(&house).await;
    let license = sell(&house, &customer, plan).await;
    put_plan(&house, "old", &json!({"term": "P1M", "sale": "legacy"})).await;
    let mut model = Model::issued(plan, born.unix());
    house.activate(text(&license["code"]), 1).await.ok(201);
    model.bind(1, born.unix());
    let mut entries = 2;
    for (wait, deed) in life {
        let to = |end: Option<i64>, more| {
            let end = end.and_then(Timestamp::from_unix).unwrap_or(house.now());
            end.after(Duration::from_seconds(more)).max(house.now())
        };
        house.app.clock().set(match wait {
            Wait::Days(days) => house.now().after(Duration::days(days)),
            Wait::PaidThrough(more) => to(model.paid_through(), more),
            Wait::GraceUntil(more) => to(model.grace_until(), more),
        });
        agree(&house, &license, &model).await?;
        let (action, body) = call(deed);
        let answer = act(&house, &license, action, &body).await;
        let done = model.attempt(deed, house.now().unix());
        prop_assert_eq!(answer.status.is_success(), done, "{:?}: {}", deed, answer.text());
        prop_assert!(done || matches!(answer.status.as_u16(), 400 | 409 | 422), "{:?}: {}", deed, answer.text());
        entries += usize::from(done);
        agree(&house, &license, &model).await?;
    }
    let mut head = Head::START;
    let history = house.store().history(text(&license["id"]).parse().unwrap(), head, 100).await.unwrap();
    for event in &history {
        prop_assert!(event.follows(head), "entry {} breaks the chain", event.seq);
        head = event.head();
    }
    prop_assert_eq!(history.len(), entries);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_life_through_the_handlers_is_as_the_model_tells(
        plan in prop::sample::select(vec!["trial", "monthly", "yearly", "later", "sixty", "weekly", "old", "perpetual"]),
        born in 1_810_000_000_i64..2_000_000_000,
        life in prop::collection::vec((waits(), deeds()), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(plan, Timestamp::from_unix(born).unwrap(), life))?;
    }
}
