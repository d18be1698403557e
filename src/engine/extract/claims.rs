//! Units that workers of per-document mode ask about at this moment: two documents that share a passage pay for it once, whoever comes
//! first.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};

use crate::values::Fingerprint;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    units: Mutex<HashSet<Fingerprint>>,
    freed: Condvar,
}

/// The right of one worker to ask about some units, until it is dropped. Whoever holds one asks for no other.
#[derive(Debug)]
pub(in crate::engine) struct Claims {
    claimed: Arc<Claimed>,
    units: Vec<Fingerprint>,
}

impl Claimed {
    /// Claims on all these units, once nobody else has one on any of them. What stood in the store before may stand there no more, or
    /// stand there now: the caller looks again.
    pub(super) fn claim(self: &Arc<Self>, units: Vec<Fingerprint>) -> Claims {
        let taken = self.units.lock().expect("no panic while the lock is held");
        let any = |taken: &mut HashSet<Fingerprint>| units.iter().any(|unit| taken.contains(unit));
        let mut taken = self.freed.wait_while(taken, any).expect("no panic while the lock is held");
        taken.extend(&units);
        Claims { claimed: Arc::clone(self), units }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        let mut taken = self.claimed.units.lock().expect("no panic while the lock is held");
        for unit in &self.units {
            taken.remove(unit);
        }
        self.claimed.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn unit(n: u8) -> Fingerprint {
        Fingerprint([n; 32])
    }

    #[test]
    fn of_many_that_want_one_unit_one_at_a_time_has_it_and_none_waits_for_ever() {
        let (claimed, inside) = (Arc::new(Claimed::default()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (claimed, inside) = (&claimed, &inside);
                scope.spawn(move || {
                    for round in 0..50_u8 {
                        // Overlapping sets in changing orders: whoever waits holds nothing.
                        let claims = claimed.claim(vec![unit(1), unit(10 + (n + round) % 4)]);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(claims);
                    }
                });
            }
        });
        assert!(claimed.units.lock().unwrap().is_empty());
    }
}
