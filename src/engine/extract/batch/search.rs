//! Finding out at the provider what became of a creation that was cut off.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::decide::{Candidate, Ours};
use super::driver::{Driver, Step};
use super::endpoint::BatchEndpoint;
use super::patience::Call;
use crate::engine::error::RunError;
use crate::remote::{BatchSeen, ResultLine, Standing, TroubleKind};
use crate::store::BatchRow;

/// Lines of results that are looked at to tell whose a batch is: the first one could be one of those that nobody asked for.
const LINES_TO_TELL: u32 = 100;

impl<E: BatchEndpoint> Driver<'_, E> {
    /// Looks through the provider's batches for one that may be this.
    pub(super) async fn search(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        let vendor = self.remote.dialect.vendor;
        let oldest = self.oldest(batch);
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        let mut listed = HashSet::new();
        let client = Arc::clone(&self.client);
        loop {
            let (page, next) = match self.unless_stopping(client.batches(after.as_deref())).await {
                None => return Ok(Step::Waits),
                Some(Ok(page)) => page,
                Some(Err(trouble)) => return self.failed(batch, Call::Listing, &trouble),
            };
            // Some servers give the same page for ever: <https://github.com/BerriAI/litellm/issues/37150>
            let known = listed.len();
            listed.extend(page.iter().map(|b| b.remote.clone()));
            let is_new = listed.len() > known;
            let done = !is_new || page.iter().any(|b| b.created_unix.is_some_and(|at| at < oldest));
            for seen in page {
                if self.reader.is_known_batch(&seen.remote)? {
                    continue;
                }
                let is_our_file = batch.upload.is_some() && seen.upload == batch.upload;
                match (vendor.shows_token(), &seen.token) {
                    (true, Some(label)) if shows(label, &batch.token) => {
                        found.push(Candidate { remote: seen.remote, ours: Ours::Yes });
                    }
                    // Servers that show no label may show the file.
                    (true, None) if is_our_file => found.push(Candidate { remote: seen.remote, ours: Ours::Yes }),
                    (false, _) | (true, None)
                        // A batch of which no count is told may be any.
                        if seen.requests.is_none_or(|n| n == batch.requests)
                            && seen.created_unix.is_none_or(|at| at >= oldest) =>
                    {
                        if let Some(ours) = self.is_ours(batch, &seen).await {
                            found.push(Candidate { remote: seen.remote, ours });
                        }
                    }
                    _ => {}
                }
            }
            match next {
                Some(next) if !done => after = Some(next),
                _ => break,
            }
        }
        self.came_through(batch, Call::Listing);
        let lag = self.options.listing_lag;
        let look = self.looks.entry(batch.id).or_default();
        look.empty = if found.is_empty() { look.empty + 1 } else { 0 };
        look.candidates = Some(found);
        look.not_before = Some(Instant::now() + lag);
        if look.candidates.iter().flatten().any(|c| c.ours == Ours::Yes) {
            look.not_before = None;
            return Ok(Step::Moved);
        }
        Ok(Step::Waits)
    }

    /// Unix seconds before which no batch at the provider can be this one. Its clock may be days from ours, so it counts; where it
    /// tells no time, clocks may be a day apart: what is older than two is not looked at.
    fn oldest(&self, batch: &BatchRow) -> f64 {
        let ours = batch.intent_ms.unwrap_or(0);
        // What was sent by our clock is dated by the provider's.
        let ahead = self.client.provider_now_ms().map_or(0, |theirs| theirs - (self.run.now_ms)());
        (ours.min(ours + ahead) as f64) / 1000.0 - 2.0 * 86_400.0
    }

    /// Ownership where a listing shows no token: a batch that has ended is known by its custom ids. `None` if it is somebody else's.
    async fn is_ours(&self, batch: &BatchRow, seen: &BatchSeen) -> Option<Ours> {
        let places = match &seen.standing {
            Standing::Ended { places, .. } | Standing::Unknown { places } => places,
            Standing::Running => return Some(Ours::Unknown),
            // Whosever it is: nothing was done in it, and nothing is paid twice.
            Standing::Failed { .. } => return None,
        };
        // It has ended, and its results have no place yet.
        if places.is_empty() && seen.counts.is_none_or(|counts| counts.succeeded > 0) {
            return Some(Ours::Unknown);
        }
        for place in places {
            let (mut ours, mut lines) = (None, 0);
            let mut first = |line: ResultLine| {
                lines += 1;
                ours = Some(shows(&line.custom_id, &batch.token));
                match ours == Some(true) || lines >= LINES_TO_TELL {
                    true => Err("enough is known".to_owned()),
                    false => Ok(()),
                }
            };
            let read = self.client.read_results(place, &mut first, &mut |_| {}).await;
            match (ours, read) {
                (Some(true), _) => return Some(Ours::Yes),
                (Some(false), Ok(())) => return None,
                (Some(false), Err(_)) if lines >= LINES_TO_TELL => return None,
                (_, Err(trouble)) if trouble.kind != TroubleKind::NotFound => return Some(Ours::Unknown),
                // Without a line, or gone.
                (_, _) => {}
            }
        }
        Some(Ours::Unknowable)
    }
}

/// Test whether a label or an id shows a token, in whatever spelling. A batch whose ids came back in another one is no other's: what was done in it
/// has to be paid, though its lines cannot be told apart.
fn shows(label: &str, token: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain(label).contains(&plain(token))
}

#[cfg(test)]
mod tests {
    use super::shows;

    #[test]
    fn a_token_is_known_in_whatever_spelling() {
        for label in ["corpora-7f3a-12", "CORPORA-7F3A-12", "corpora_7f3a_12", "request:corpora-7f3a-12"] {
            assert!(shows(label, "corpora-7f3a"), "{label}");
        }
        for label in ["", "corpora-7f3b-12", "7f3a", "request-12"] {
            assert!(!shows(label, "corpora-7f3a"), "{label}");
        }
    }
}
