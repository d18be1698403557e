//! Limits and waits that response headers tell. Pure; the wall clock comes from the caller.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// The longest wait that is taken from a provider: beyond it a run says that it waits, and looks again.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// One limit as a response tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitSeen {
    /// Allowed in a minute.
    pub limit: Option<u64>,
    /// Rest of it.
    pub remaining: Option<u64>,
}

/// The limits that a response tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsSeen {
    /// Requests a minute.
    pub requests: LimitSeen,
    /// Input tokens a minute.
    pub input: LimitSeen,
    /// Output tokens a minute.
    pub output: LimitSeen,
    /// Input and output tokens a minute together.
    pub tokens: LimitSeen,
}

/// Reads `anthropic-ratelimit-*` and `x-ratelimit-*`.
pub(super) fn limits(headers: &HeaderMap) -> LimitsSeen {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let anthropic = |what: &str| LimitSeen {
        limit: number(&format!("anthropic-ratelimit-{what}-limit")),
        remaining: number(&format!("anthropic-ratelimit-{what}-remaining")),
    };
    let openai = |what: &str| LimitSeen {
        limit: number(&format!("x-ratelimit-limit-{what}")),
        remaining: number(&format!("x-ratelimit-remaining-{what}")),
    };
    let either =
        |a: LimitSeen, b: LimitSeen| LimitSeen { limit: a.limit.or(b.limit), remaining: a.remaining.or(b.remaining) };
    let (input, output) = (anthropic("input-tokens"), anthropic("output-tokens"));
    // Anthropic's `tokens` repeats the tighter of the two.
    let tokens = if input.limit.is_some() { LimitSeen::default() } else { openai("tokens") };
    LimitsSeen { requests: either(anthropic("requests"), openai("requests")), input, output, tokens }
}

/// Wait that a response asks for: `retry-after-ms`, `retry-after` as seconds (whole or not) or as an HTTP date, or
/// Google's `RetryInfo` in the body. `now_unix` is the wall clock in seconds. A wait is never more than an hour: a
/// clock that jumped, or a wrong date, must not stop a run for a day.
pub(super) fn retry_after(headers: &HeaderMap, body: &[u8], now_unix: f64) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let seconds = |s: f64| (s.is_finite() && s >= 0.0).then(|| Duration::from_secs_f64(s.min(1e6)));
    let from_ms = text("retry-after-ms").and_then(|v| v.parse::<f64>().ok()).and_then(|ms| seconds(ms / 1000.0));
    let from_header = || {
        let value = text("retry-after")?;
        match value.parse::<f64>() {
            Ok(s) => seconds(s),
            Err(_) => {
                let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
                seconds((at.as_millisecond() as f64 / 1000.0 - now_unix).max(0.0))
            }
        }
    };
    from_ms.or_else(from_header).or_else(|| retry_info(body)).map(|wait| wait.min(LONGEST_WAIT))
}

/// `error.details[].retryDelay` such as `57.2s`.
fn retry_info(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = value.get("error").or_else(|| value.get(0)?.get("error"))?;
    let delay = error["details"].as_array()?.iter().find_map(|d| d["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(1e6)))
}

/// `x-should-retry`.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.to_str().ok()?.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        let wait = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), b"", 784_111_777.0);
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "0.25")]), Some(Duration::from_millis(250)));
        assert_eq!(wait(&[("retry-after", "0")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after-ms", "1500"), ("retry-after", "60")]), Some(Duration::from_millis(1500)));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]), Some(Duration::from_secs(10)));
        // A date in the past: the server's clock is behind ours, or ours jumped.
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        // A clock that is a day off does not stop the run for a day.
        assert_eq!(wait(&[("retry-after", "Mon, 07 Nov 1994 08:49:47 GMT")]), Some(LONGEST_WAIT));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "NaN")]), None);
        assert_eq!(wait(&[]), None);
        let google = br#"[{"error": {"details": [{"@type": "x"}, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "57.238747106s"}]}}]"#;
        assert_eq!(retry_after(&HeaderMap::new(), google, 0.0), Some(Duration::from_secs_f64(57.238_747_106)));
    }

    #[test]
    fn limits_are_read_in_both_spellings() {
        let seen = limits(&headers(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-input-tokens-limit", "30000"),
            ("anthropic-ratelimit-input-tokens-remaining", "12"),
            ("anthropic-ratelimit-tokens-limit", "38000"),
        ]));
        assert_eq!((seen.requests.limit, seen.input.limit, seen.input.remaining), (Some(50), Some(30_000), Some(12)));
        assert_eq!(seen.tokens, LimitSeen::default());
        let seen = limits(&headers(&[("x-ratelimit-limit-requests", "500"), ("x-ratelimit-limit-tokens", "200000")]));
        assert_eq!((seen.requests.limit, seen.tokens.limit), (Some(500), Some(200_000)));
    }
}
