//! Requests that wait for their next attempt, in order of time.

use tokio::time::Instant;

use crate::engine::extract::request::Ask;

/// A request that waits for its next attempt.
pub(super) struct Due {
    pub(super) at: Instant,
    /// Number that sets requests of one moment in an order.
    pub(super) number: u64,
    pub(super) ask: Ask,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
