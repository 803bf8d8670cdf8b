//! A process that dies: at each await of landing, registration and events in turn. Whatever was done by then, nothing is half
//! bound, and whoever does it again gets there.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use marque_marketplace_sim::Pricing;
use marque_service::marketplace::Outcome;

use crate::market::{Bazaar, Visit};

/// Polls so often at most, each a step from one await to another, and then drops what is not done.
async fn dies_after<F: Future>(polls: usize, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                // Also when nothing else would wake it: the end comes by itself.
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

/// A buyer's whole way: lands, registers, and the events come. None where it died.
async fn whole_way(bazaar: &Bazaar, bought: &marque_marketplace_sim::Receipt, email: &str, events_first: bool) {
    if events_first {
        for event in &bought.events {
            drop(bazaar.shop.event(event).await);
        }
    }
    let landed = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &bought.token)]).await;
    if landed.status == 303 {
        let cookie = landed.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        drop(bazaar.register(&Visit { landing: String::new(), cookie }, email).await);
    }
    if !events_first {
        for event in &bought.events {
            drop(bazaar.shop.event(event).await);
        }
    }
}

#[tokio::test]
async fn a_death_at_any_await_leaves_nothing_half_bound_and_the_retry_completes() {
    for events_first in [false, true] {
        // One table: purchases are strangers to each other.
        let bazaar = Bazaar::new().await;
        let mut deaths = 0;
        for polls in 0.. {
            let bought = bazaar.buy(Pricing::Contract);
            let email = format!("buyer-{polls}@example.org");
            let lived = dies_after(polls, whole_way(&bazaar, &bought, &email, events_first)).await.is_some();
            // What is there is whole.
            if let Some(chain) = bazaar.chain(&bought.agreement).await {
                let store = bazaar.app.store();
                if let Some(customer) = chain.customer {
                    assert!(store.customer(customer).await.unwrap().is_some(), "after {polls} polls");
                }
                if let Some(license) = chain.license {
                    assert!(chain.customer.is_some(), "a licence is nobody's, after {polls} polls");
                    let entitled = store.entitled(license).await.unwrap().expect("a licence");
                    assert_eq!(entitled.paid_by.map(|(paying, _)| paying), Some(chain.id), "after {polls} polls");
                }
            }
            // And done again it is done.
            let visit = bazaar.land(&bought.token).await;
            if bazaar.get("/aws/registration", &visit.cookie).await.status == 200 {
                bazaar.register(&visit, &email).await;
            }
            for outcome in bazaar.deliver(&bought.events).await {
                assert!(matches!(outcome, Outcome::Kept | Outcome::Repeated), "{outcome:?} after {polls} polls");
            }
            assert!(bazaar.code_shown(&visit).await.is_some(), "after {polls} polls");
            let chain = bazaar.chain(&bought.agreement).await.unwrap();
            let owned = bazaar.app.store().licenses_of(chain.customer.unwrap(), None, 10).await.unwrap();
            assert_eq!(owned, [chain.license.unwrap()], "after {polls} polls");
            if lived {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 20, "it died {deaths} times");
    }
}
