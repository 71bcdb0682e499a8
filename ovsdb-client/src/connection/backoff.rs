//! Which remote to try next and how long to wait before: exponential, with jitter, without a clock.

use std::time::Duration;

/// The order of attempts. Within one round over the remotes there is no wait; between rounds it doubles.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    remotes: usize,
    next: usize,
    failures: u32,
    least: Duration,
    most: Duration,
}

impl Backoff {
    /// For so many remotes (at least one), with waits from `least` to `most`.
    pub(super) fn new(remotes: usize, least: Duration, most: Duration) -> Self {
        Self {
            remotes: remotes.max(1),
            next: 0,
            failures: 0,
            least,
            most,
        }
    }

    /// The remote to try now.
    pub(super) fn current(&self) -> usize {
        self.next
    }

    /// A session has worked for some time: the next failure starts from the beginning.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The attempt failed or the session ended: how long to wait before the next remote. `chance` is uniform over all
    /// its values; the wait is between half of the full time and all of it.
    pub(super) fn failed(&mut self, chance: u32) -> Duration {
        self.next = self
            .next
            .checked_add(1)
            .filter(|&next| next < self.remotes)
            .unwrap_or(0);
        self.failures = self.failures.saturating_add(1);
        let rounds = self.failures as usize / self.remotes;
        if !(self.failures as usize).is_multiple_of(self.remotes) {
            return Duration::ZERO;
        }
        let exponent = u32::try_from(rounds.saturating_sub(1))
            .unwrap_or(u32::MAX)
            .min(30);
        let full = self.least.saturating_mul(1 << exponent).min(self.most);
        full.mul_f64(0.5 + f64::from(chance) / f64::from(u32::MAX) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_between_rounds_up_to_the_most() {
        let mut backoff = Backoff::new(2, Duration::from_millis(100), Duration::from_millis(500));
        let waits: Vec<(usize, u128)> = (0..10)
            .map(|_| (backoff.current(), backoff.failed(u32::MAX).as_millis()))
            .collect();
        let expected = [
            (0, 0),
            (1, 100),
            (0, 0),
            (1, 200),
            (0, 0),
            (1, 400),
            (0, 0),
            (1, 500),
            (0, 0),
            (1, 500),
        ];
        assert_eq!(waits, expected);
        backoff.succeeded();
        assert_eq!(backoff.failed(0), Duration::ZERO);
        assert_eq!(backoff.failed(0), Duration::from_millis(50));
    }
}
