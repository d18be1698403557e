//! Results of a batch, read line by line from where the provider keeps them.

use reqwest::header::LOCATION;

use super::{Client, LARGEST_RESPONSE, TRANSFER_TIMEOUT};
use crate::remote::endpoint::is_loopback;
use crate::remote::trouble::{Trouble, TroubleKind};

/// Redirects that are followed one after another.
const MOST_REDIRECTS: u32 = 5;

impl Client {
    /// Reads a text line by line as it comes. What `each` fails with ends the reading.
    pub(in crate::remote) async fn lines(
        &self,
        path: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), Trouble> {
        let mut response = self.follow(self.place(path)?).await?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            let body = self.bounded(&mut response).await?;
            let mut trouble = self.dialect.trouble(status, &body);
            trouble.message = self.redact(&trouble.message);
            return Err(trouble);
        }
        let mut rest: Vec<u8> = Vec::new();
        let mut first = true;
        let mut give = |line: &[u8]| {
            // A byte order mark may stand before everything.
            let line =
                if std::mem::take(&mut first) { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
            if line.iter().all(u8::is_ascii_whitespace) {
                return Ok(());
            }
            each(&self.redact_bytes(line.to_vec())).map_err(|words| Trouble::new(TroubleKind::BadRequest, words))
        };
        while let Some(piece) = response.chunk().await.map_err(|e| self.network(&e))? {
            let mut piece = &piece[..];
            while let Some(end) = piece.iter().position(|b| *b == b'\n') {
                rest.extend_from_slice(&piece[..end]);
                give(&rest)?;
                rest.clear();
                piece = &piece[end + 1..];
            }
            rest.extend_from_slice(piece);
            if rest.len() > LARGEST_RESPONSE {
                return Err(Trouble::new(TroubleKind::Malformed, "a line of results is larger than 64 MiB"));
            }
        }
        give(&rest)
    }

    /// The response to a GET, from where redirects lead: results lie on signed addresses of other hosts with some providers. The key
    /// goes to the provider's own address alone, and what is not this machine is asked by HTTPS alone.
    async fn follow(&self, mut url: reqwest::Url) -> Result<reqwest::Response, Trouble> {
        let own = self.endpoint.origin();
        for _ in 0..MOST_REDIRECTS {
            let mut request = self.http.get(url.clone()).timeout(TRANSFER_TIMEOUT.max(self.timeout));
            if url.origin().ascii_serialization() == own {
                request = request.headers(self.headers());
            }
            let response = request.send().await.map_err(|e| self.network(&e))?;
            self.hear_clock(response.headers());
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            let next = place.and_then(|place| url.join(place).ok()).ok_or_else(|| {
                Trouble::new(TroubleKind::Malformed, "the provider answered with a redirect that leads nowhere")
            })?;
            // From a server on this machine to another one on it.
            let stays_here = self.endpoint.is_loopback() && is_loopback(&next) && next.scheme() == "http";
            if next.scheme() != "https" && !stays_here {
                let host = next.host_str().unwrap_or_default();
                let words = format!("the provider leads to {host} by {}, which is not encrypted", next.scheme());
                return Err(Trouble::new(TroubleKind::Malformed, words));
            }
            url = next;
        }
        Err(Trouble::new(TroubleKind::Malformed, "the provider answered with one redirect after another"))
    }
}
