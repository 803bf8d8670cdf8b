//! Several calls in flight at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use crate::admin::Failure;

/// More would be refused by a small deployment rather than go faster.
const AT_ONCE: usize = 4;

/// Does `work` on every item, several at once; what comes of it goes to `seen` in the order in which it is done. The first
/// failure ends it: what is in flight is finished, nothing more is begun.
pub(super) fn each<T: Send, R: Send>(
    items: impl Iterator<Item = Result<T, Failure>> + Send,
    work: impl Fn(T) -> Result<R, Failure> + Sync,
    mut seen: impl FnMut(R),
) -> Result<(), Failure> {
    let items = Mutex::new(items);
    let stopped = AtomicBool::new(false);
    let mut failed = Ok(());
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AT_ONCE);
        for _ in 0..AT_ONCE {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !stopped.load(Ordering::Relaxed) {
                    let Some(item) = items.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
                    let done = item.and_then(&work);
                    if done.is_err() {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    if sender.send(done).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for done in receiver {
            match done {
                Ok(done) => seen(done),
                Err(failure) if failed.is_ok() => failed = Err(failure),
                Err(_) => {}
            }
        }
    });
    failed
}
