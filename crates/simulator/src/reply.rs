//! Replies, and the ways in which they are sent.

use std::io;
use std::time::Duration;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::Response;
use hyper::body::{Bytes, Frame};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::Fault;
use crate::journal::JournalLine;

/// A body that is sent in pieces.
pub(crate) type Body = std::pin::Pin<Box<dyn hyper::body::Body<Data = Bytes, Error = io::Error> + Send>>;

/// A response before it is sent.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) manner: Manner,
}

/// Way in which a body is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Whole,
    /// In pieces with pauses.
    Slow,
    /// Ends in the middle, while the content length says more.
    Cut,
    /// Chunked, without its last chunk.
    ChunkedCut,
}

impl Reply {
    pub(crate) fn bytes(status: u16, kind: &str, body: Bytes) -> Self {
        Self { status, headers: vec![("content-type".into(), kind.into())], body, manner: Manner::Whole }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into(),
            manner: Manner::Whole,
        }
    }

    /// Status 200 with nothing in it.
    pub(crate) fn empty() -> Self {
        Self::bytes(200, "application/json", Bytes::new())
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/html".into())],
            body: format!("<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>")
                .into(),
            manner: Manner::Whole,
        }
    }
}

/// Pieces of a slow body, and the pause before each.
const SLOW_PIECES: usize = 8;
const SLOW_PAUSE: Duration = Duration::from_millis(15);

struct Sending {
    line: Option<JournalLine>,
    left: Bytes,
    manner: Manner,
    piece: usize,
}

/// Sends a reply; its line in the journal ends with its last byte.
pub(crate) fn send(reply: Reply, mut line: Option<JournalLine>) -> Response<Body> {
    let whole = reply.body.len();
    let (left, piece) = match reply.manner {
        Manner::Whole => (reply.body, whole.max(1)),
        Manner::Slow => (reply.body, whole.div_ceil(SLOW_PIECES).max(1)),
        Manner::Cut | Manner::ChunkedCut => (reply.body.slice(..whole / 2), (whole / 2).max(1)),
    };
    if reply.status != 200 {
        // An error is never an answer.
        if let Some(line) = &mut line {
            line.entry.answered = false;
        }
    }
    let status = reply.status;
    let start = Sending { line, left, manner: reply.manner, piece };
    let pieces = stream::unfold(start, move |mut sending| async move {
        if sending.left.is_empty() {
            // hyper closes the connection on an error in the body: that is how it is cut.
            let cut = matches!(sending.manner, Manner::Cut | Manner::ChunkedCut);
            sending.manner = Manner::Whole;
            return cut.then(|| (Err(io::Error::from(io::ErrorKind::ConnectionReset)), sending));
        }
        if sending.manner == Manner::Slow {
            tokio::time::sleep(SLOW_PAUSE).await;
        }
        let piece = sending.left.split_to(sending.piece.min(sending.left.len()));
        if sending.left.is_empty() && matches!(sending.manner, Manner::Whole | Manner::Slow) {
            if let Some(line) = &mut sending.line {
                line.entry.answered = status == 200 && !line.entry.fault.is_some_and(Fault::after_effect);
            }
            // The last piece is on its way.
            sending.line = None;
        }
        Some((Ok(Frame::data(piece)), sending))
    });
    let body: Body = Box::pin(StreamBody::new(pieces));
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    if reply.manner != Manner::ChunkedCut {
        headers.insert("content-length", HeaderValue::from(whole));
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    response
}
