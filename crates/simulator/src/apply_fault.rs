//! Faults of the wire and the status, and what they make of an answer.

use std::io;

use super::Fault;
use super::interfaces::{Interface, Refusal};
use super::reply::{Manner, Reply};

/// Circumstances in which a fault is met.
pub(crate) struct FaultContext<'a> {
    pub(crate) fault: Fault,
    pub(crate) interface: &'a dyn Interface,
    /// Number of the request.
    pub(crate) n: u64,
    /// Seconds after which a client is asked to come again.
    pub(crate) wait_s: f64,
    /// Unix seconds now.
    pub(crate) unix_s: f64,
    /// Key of the request.
    pub(crate) key: Option<&'a str>,
}

impl FaultContext<'_> {
    fn refuse(&self, refusal: &Refusal) -> Reply {
        Reply::json(refusal.status, &self.interface.error(refusal, self.n))
    }

    fn error(&self, status: u16, message: &str) -> Reply {
        self.refuse(&Refusal::new(status, message))
    }

    /// A refusal by the limits, with a header that says when to come again.
    fn limited(&self, header: Option<(&str, String)>, retry_s: Option<f64>) -> Reply {
        let mut reply = self.refuse(&Refusal { retry_s, ..Refusal::new(429, "too many requests") });
        reply.headers.extend(header.map(|(name, value)| (name.to_owned(), value)));
        reply
    }
}

/// Reply that a fault makes of a good one; `None` where nothing is sent at all.
pub(crate) fn apply_fault(good: Reply, context: &FaultContext<'_>) -> Option<Reply> {
    let (error, wait_s) = (|status, message: &str| context.error(status, message), context.wait_s);
    Some(match context.fault {
        Fault::ServerError => error(500, "Internal server error"),
        Fault::ServerErrorNoRetry => {
            let mut reply = error(500, "Internal server error");
            reply.headers.push(("x-should-retry".into(), "false".into()));
            reply
        }
        Fault::BadGateway => Reply::html(502, "Bad Gateway"),
        Fault::Unavailable => Reply::html(503, "Service Unavailable"),
        Fault::GatewayTimeoutAfterEffect => error(504, "Gateway timeout"),
        Fault::Overloaded => error(529, "Overloaded"),
        Fault::RequestTimeout => error(408, "Request timeout"),
        Fault::Conflict => error(409, "Conflict"),
        Fault::TooLarge => Reply::bytes(413, "text/plain", "Payload Too Large".into()),
        Fault::RateLimited => context.limited(Some(("retry-after", format!("{}", wait_s.ceil()))), None),
        Fault::RateLimitedFraction => context.limited(Some(("retry-after", format!("{wait_s:.3}"))), Some(wait_s)),
        Fault::RateLimitedDate => {
            context.limited(Some(("retry-after", http_date(context.unix_s + wait_s.max(1.0)))), None)
        }
        Fault::RateLimitedMillis => {
            context.limited(Some(("retry-after-ms", format!("{}", (wait_s * 1000.0).ceil()))), None)
        }
        Fault::RateLimitedSilent => context.limited(None, None),
        Fault::RateLimitedZero => context.limited(Some(("retry-after", "0".into())), None),
        Fault::KeyRevoked => error(401, "invalid x-api-key"),
        Fault::SpendLimit => {
            error(400, "You have reached your specified API usage limits: the spend limit of this month")
        }
        Fault::InsufficientQuota => context.refuse(&context.interface.no_balance()),
        Fault::ModelNotFound => error(404, "model: not found"),
        Fault::NoStructuredOutput => error(400, context.interface.no_structured_output()),
        Fault::EchoKey => error(400, &format!("the request with key {} is wrong", context.key.unwrap_or("(none)"))),
        Fault::ContentFilter => context.refuse(&context.interface.content_filter()?),
        Fault::ContextTooLong => context.refuse(&Refusal::too_long(210_000, 200_000)),
        Fault::GatewayRateLimited => Reply::bytes(429, "text/plain", "too many requests".into()),
        Fault::EmptyBody => Reply::empty(),
        Fault::HtmlBody => Reply::html(200, "Welcome"),
        Fault::ResetBeforeHeaders | Fault::Stuck => return None,
        Fault::ResetInBody => Reply { manner: Manner::Cut, ..good },
        Fault::ChunkedCut => Reply { manner: Manner::ChunkedCut, ..good },
        Fault::SlowBody => Reply { manner: Manner::Slow, ..good },
        Fault::TruncatedJson => {
            let half = good.body.slice(..good.body.len() / 2);
            Reply { body: half, ..good }
        }
        Fault::Gzip => gzip(good).ok()?,
        // Faults of content are in the answer already.
        _ => good,
    })
}

fn gzip(good: Reply) -> io::Result<Reply> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, &good.body)?;
    let mut headers = good.headers;
    headers.push(("content-encoding".into(), "gzip".into()));
    Ok(Reply { body: encoder.finish()?.into(), headers, ..good })
}

/// A time as headers carry it. <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
pub(crate) fn http_date(unix_s: f64) -> String {
    let stamp = jiff::Timestamp::from_second(unix_s.ceil() as i64).unwrap_or_default();
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
