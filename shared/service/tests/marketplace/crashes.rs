//! A process that dies: at each await of landing, registration and events in turn. Whatever was done by then, nothing is half
//! bound, and whoever does it again gets there.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use marque_marketplace_sim::{Pricing, Receipt};
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
async fn whole_way(bazaar: &Bazaar, bought: &Receipt, email: &str, events_first: bool) {
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

/// How many events wait for an agreement.
async fn waiting(bazaar: &Bazaar, agreement: &str) -> usize {
    bazaar.app.store().parked(&agreement.parse().unwrap()).await.unwrap().len()
}

/// A purchase that has ended, whose Ended waits, since AWS did not tell of which product it is.
async fn ended_unknown(bazaar: &Bazaar) -> Receipt {
    bazaar.market.set(|knobs| knobs.agreements_denied = true);
    let bought = bazaar.buy(Pricing::Subscription);
    let ended = bazaar.market.cancel(&bought.agreement).unwrap();
    assert_eq!(bazaar.deliver(&ended[..1]).await, [Outcome::Parked]);
    bazaar.market.set(|knobs| knobs.agreements_denied = false);
    bought
}

#[tokio::test]
async fn what_waits_is_handled_though_the_event_that_made_its_agreement_known_died() {
    let bazaar = Bazaar::new().await;
    for polls in 0.. {
        let bought = ended_unknown(&bazaar).await;
        let lived = dies_after(polls, bazaar.shop.event(&bought.events[1])).await.is_some();
        bazaar.deliver(&bought.events[1..]).await;
        assert_eq!(waiting(&bazaar, &bought.agreement).await, 0, "after {polls} polls");
        if lived {
            assert!(polls > 5, "it died {polls} times");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_though_landing_and_comparison_died() {
    for polls in 0.. {
        let bazaar = Bazaar::new().await;
        let bought = ended_unknown(&bazaar).await;
        for landing in 0.. {
            let token = [("x-amzn-marketplace-token", bought.token.as_str())];
            drop(dies_after(landing, bazaar.post("/aws/landing", "", &token)).await);
            if bazaar.chain(&bought.agreement).await.is_some() {
                break;
            }
        }
        assert_eq!(waiting(&bazaar, &bought.agreement).await, 1);
        let _ = dies_after(polls, bazaar.compare()).await;
        let handled = waiting(&bazaar, &bought.agreement).await == 0;
        bazaar.advance(12 * 3600);
        bazaar.compare().await;
        assert_eq!(waiting(&bazaar, &bought.agreement).await, 0, "after {polls} polls");
        if handled {
            assert!(polls > 5, "it died {polls} times");
            break;
        }
    }
}
