//! One request whose answer comes piece by piece.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::{Answered, Attempt, Client, LARGEST_RESPONSE};
use crate::remote::Structured;
use crate::remote::stream::{Progress, Stream};
use crate::remote::trouble::{Trouble, TroubleKind};

/// Time for a streamed answer from its first word to its last: it has an end, however slow a model is.
const LONGEST: Duration = Duration::from_hours(24);

/// Bytes of an answer that is on its way, counted among those of all as long as it is.
struct Coming<'a> {
    all: &'a AtomicU64,
    own: u64,
}

impl Coming<'_> {
    fn are(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.all.fetch_add(bytes - self.own, Ordering::Relaxed);
        self.own = bytes;
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

impl Client {
    /// One request whose answer is streamed: put together to what it would be in one piece.
    pub(super) async fn stream(
        &self,
        request: reqwest::RequestBuilder,
        structured: Structured,
        first: Duration,
        between: Duration,
    ) -> Attempt {
        let started = Instant::now();
        let mut seen = HeaderMap::new();
        let result = self.streamed(request.timeout(LONGEST), &mut seen, first, between).await;
        self.attempt(result, started, &seen, structured)
    }

    async fn streamed(
        &self,
        request: reqwest::RequestBuilder,
        seen: &mut HeaderMap,
        first: Duration,
        between: Duration,
    ) -> Result<Answered, Trouble> {
        let late = || Trouble::new(TroubleKind::Timeout, self.late(first));
        let begun = tokio::time::Instant::now();
        let sent = tokio::time::timeout(first, request.send()).await.map_err(|_| late())?;
        let response = sent.map_err(|e| self.network(&e))?;
        let status = response.status().as_u16();
        self.hear_clock(response.headers());
        *seen = response.headers().clone();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !(200..300).contains(&status) || !kind.starts_with("text/event-stream") {
            // Some servers take the wish for a stream, and answer in one piece.
            let left = first.saturating_sub(begun.elapsed()).max(between);
            let whole = tokio::time::timeout(left, self.read_whole(response, seen)).await;
            return whole.map_err(|_| late())?;
        }
        let mut response = response;
        let mut stream = Stream::new(self.dialect.vendor);
        let mut coming = Coming { all: &self.coming, own: 0 };
        let broken = loop {
            let wait = if stream.has_words() { between } else { first.saturating_sub(begun.elapsed()) };
            let piece = match tokio::time::timeout(wait, response.chunk()).await {
                Err(_) if stream.has_words() => break None,
                Err(_) => return Err(late()),
                Ok(Err(error)) => break Some(self.network(&error)),
                // What it says of its end decides.
                Ok(Ok(None)) => return Ok(self.whole(stream, status)),
                Ok(Ok(Some(piece))) => piece,
            };
            let taken = stream.take(&piece);
            coming.are(stream.word_bytes());
            match taken {
                Ok(Progress::Open) if stream.bytes() <= LARGEST_RESPONSE => {}
                Ok(Progress::Whole) => return Ok(self.whole(stream, status)),
                // An answer that goes round in a circle, or has no end.
                Ok(Progress::Open | Progress::Circle) => break None,
                Err(trouble) => break Some(trouble),
            }
        };
        match broken {
            Some(mut trouble) if !stream.has_words() => {
                trouble.message = self.redact(&trouble.message);
                Err(trouble)
            }
            _ => Ok(self.whole(stream, status)),
        }
    }

    fn whole(&self, stream: Stream, status: u16) -> Answered {
        Answered { status, body: self.redact_bytes(stream.into_body()) }
    }
}
