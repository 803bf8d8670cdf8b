//! Tries again as long as nothing is decided: longer and longer apart, never all machines of an image at once.

use std::time::Duration;

use marque_service::{Stopwatch, chance};

use super::failure::Failure;
use crate::output;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// A service that asks for more than this is not believed.
const MAX_AFTER: Duration = Duration::from_secs(3600);

/// Tries until something is decided, for so long; once if no time is given.
pub(super) fn until_decided<T>(
    within: Option<marque_core::Duration>,
    once: impl Fn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let watch = Stopwatch::start();
    let within = within.map(|within| Duration::from_secs(within.seconds().unsigned_abs()));
    let mut pause = FIRST;
    loop {
        let failure = match once() {
            Err(failure @ Failure::Later { .. }) => failure,
            decided => return decided,
        };
        let (Some(within), Failure::Later { sentence, after }) = (within, &failure) else { return Err(failure) };
        let wait = spread(after.map_or(pause, |after| after.clamp(FIRST, MAX_AFTER)), chance::draw());
        if Duration::from_secs_f64(watch.milliseconds() / 1000.0) + wait > within {
            return Err(failure);
        }
        output::say(format!("{sentence}. Again in {:.0} s", wait.as_secs_f64().ceil()));
        std::thread::sleep(wait);
        pause = (pause * 2).min(LONGEST);
    }
}

/// Up to half as long again.
fn spread(wait: Duration, random: [u8; 1]) -> Duration {
    wait + wait * u32::from(random[0]) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_of_one_image_do_not_come_back_together() {
        assert_eq!(spread(Duration::from_secs(512), [0]), Duration::from_secs(512));
        assert_eq!(spread(Duration::from_secs(512), [255]), Duration::from_secs(767));
    }

    #[test]
    fn what_is_decided_or_unattended_once_is_not_tried_again() {
        let count = std::cell::Cell::new(0);
        let decided = until_decided::<()>(Some(marque_core::Duration::hours(1)), || {
            count.set(count.get() + 1);
            Err(Failure::Unprovable(String::new()))
        });
        assert!(matches!(decided, Err(Failure::Unprovable(_))));
        let once = until_decided::<()>(None, || {
            count.set(count.get() + 1);
            Err(Failure::later(""))
        });
        assert!(matches!(once, Err(Failure::Later { .. })));
        assert_eq!(count.get(), 2);
    }
}
