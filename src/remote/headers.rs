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
    let openai = |what: &str| {
        let (limit, remaining) =
            (number(&format!("x-ratelimit-limit-{what}")), number(&format!("x-ratelimit-remaining-{what}")));
        let reset = headers.get(format!("x-ratelimit-reset-{what}")).and_then(|v| seconds_of(v.to_str().ok()?));
        LimitSeen { limit: limit.filter(|limit| !is_of_a_day(*limit, remaining, reset)), remaining }
    };
    let either =
        |a: LimitSeen, b: LimitSeen| LimitSeen { limit: a.limit.or(b.limit), remaining: a.remaining.or(b.remaining) };
    let (input, output) = (anthropic("input-tokens"), anthropic("output-tokens"));
    // Anthropic's `tokens` repeats the tighter of the two.
    let tokens = if input.limit.is_some() { LimitSeen::default() } else { openai("tokens") };
    LimitsSeen { requests: either(anthropic("requests"), openai("requests")), input, output, tokens }
}

/// Seconds of a duration such as `120ms`, `7.66s` or `2m59.56s`.
fn seconds_of(text: &str) -> Option<f64> {
    let (mut seconds, mut rest) = (0.0, text.trim());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        seconds += number
            * match &rest[digits..unit] {
                "ms" => 0.001,
                "s" | "" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(seconds)
}

/// Test whether a limit is a day's: what was used of it comes back at its rate, and that of a day's limit is a thousandth of it a minute.
/// Groq tells its limit on requests so. <https://console.groq.com/docs/rate-limits>
fn is_of_a_day(limit: u64, remaining: Option<u64>, reset: Option<f64>) -> bool {
    let (Some(remaining), Some(reset)) = (remaining, reset) else { return false };
    let used = limit.saturating_sub(remaining) as f64;
    used > 0.0 && reset > 0.0 && used / reset * 60.0 * 20.0 < limit as f64
}

/// Time at which a response was made, by the clock of its server, in Unix seconds.
pub(super) fn date(headers: &HeaderMap) -> Option<f64> {
    let text = headers.get("date")?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp().as_millisecond() as f64 / 1000.0)
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
        // A limit of a day is no limit of a minute: 14,400 a day come back at 10 a minute.
        let of = |limit: &str, left: &str, reset: &str| {
            let (limit, left) = (("x-ratelimit-limit-requests", limit), ("x-ratelimit-remaining-requests", left));
            limits(&headers(&[limit, left, ("x-ratelimit-reset-requests", reset)])).requests.limit
        };
        assert_eq!(of("14400", "14370", "2m59.56s"), None);
        assert_eq!(of("14400", "14399", "6s"), None);
        assert_eq!(of("500", "499", "120ms"), Some(500));
        assert_eq!(of("60", "58", "2s"), Some(60));
        assert_eq!(of("60", "60", "0s"), Some(60));
        assert_eq!(of("60", "58", "soon"), Some(60));
        let seen = limits(&headers(&[("x-ratelimit-limit-requests", "500"), ("x-ratelimit-limit-tokens", "200000")]));
        assert_eq!((seen.requests.limit, seen.tokens.limit), (Some(500), Some(200_000)));
    }
}
