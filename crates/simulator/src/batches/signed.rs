//! Another host, on which results lie at signed addresses that need no key.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};

use super::results::download;
use crate::reply::{Body, Reply, send};
use crate::state::State;

/// Headers in which vendors' clients put a key.
const KEYS: [&str; 3] = ["x-api-key", "x-goog-api-key", "authorization"];

/// Answers a call at the other host, and counts it if it carries a key.
pub(crate) async fn answer_elsewhere(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if KEYS.iter().any(|name| request.headers().contains_key(*name)) {
        state.batches.kept().keys_elsewhere += 1;
    }
    let place = request.uri().path().strip_prefix("/signed/").filter(|_| request.uri().query() == Some("signature=1"));
    let Some((part, id)) = place.and_then(|place| place.split_once('-')) else {
        return Ok(send(Reply::bytes(403, "text/plain", "the signature is wrong".into()), None));
    };
    Ok(download(&state, id, part == "out"))
}
