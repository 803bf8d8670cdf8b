//! Dying at any await, and two at once in any order.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::dice::Dice;

/// Does some work, and is dropped after so many polls if it is not done by then: the work dies at an await.
pub(super) async fn dying<F: Future>(polls: u64, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Does two pieces of work at once, whichever is first at each turn drawn by the dice.
pub(super) async fn both<A, B>(dice: &mut Dice, one: A, two: B) -> (A::Output, B::Output)
where
    A: Future,
    B: Future,
{
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut first, mut second) = (None, None);
    poll_fn(move |context| {
        for turn in if dice.chance(50) { [true, false] } else { [false, true] } {
            if turn && first.is_none() {
                first = ready(one.as_mut().poll(context));
            } else if !turn && second.is_none() {
                second = ready(two.as_mut().poll(context));
            }
        }
        match (first.take(), second.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            (one, two) => {
                (first, second) = (one, two);
                Poll::Pending
            }
        }
    })
    .await
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
