//! Use of a provider's batch endpoint.

use std::num::NonZeroU32;

use clap::{Args, ValueEnum};

use super::load::SettingsError;
use super::remote::seconds;
use super::sources::{Origin, Sources};
use crate::engine::{Aim, BatchOptions, EndpointKind, Remote, defaults};

/// Settings of a provider's batch endpoint.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Provider batches")]
pub(crate) struct BatchEndpointSettings {
    /// Request by request, through the provider's batch endpoint at half the price, or whichever fits.
    #[arg(long, value_enum, value_name = "WAY", env = "CORPORA_ENDPOINT", default_value = "live")]
    pub endpoint: Way,

    /// Half the price as long as it can be had: flex where the provider has it, then provider batches, live when the deadline is near.
    #[arg(long, env = "CORPORA_CHEAPEST", conflicts_with = "endpoint")]
    pub cheapest: bool,

    /// Leave when all provider batches are submitted; the same command collects them later.
    #[arg(long, env = "CORPORA_DETACH")]
    pub detach: bool,

    /// With --cheapest or --endpoint auto: when the answers have to be there, as 07:00 in universal time, or 8h from now.
    #[arg(long, value_name = "HH:MM|TIME", env = "CORPORA_DEADLINE")]
    pub deadline: Option<String>,

    /// Send no request live before the first provider batch.
    #[arg(long, env = "CORPORA_NO_PROBE")]
    pub no_probe: bool,

    /// Where what the first provider batches leave undone is asked.
    #[arg(long, value_enum, value_name = "WAY", env = "CORPORA_FINISH", default_value = "batch")]
    pub finish: Finish,

    /// Ask again for provider batches whose fate cannot be found out, or whose results are gone: this may pay twice.
    #[arg(long, env = "CORPORA_RESUBMIT")]
    pub resubmit: bool,

    /// Give up the open provider batches of this command: what stands in them is asked again, and paid for again.
    #[arg(long, env = "CORPORA_ABANDON_BATCHES")]
    pub abandon_batches: bool,

    /// Requests in one provider batch at most [default: what the provider takes].
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_REQUESTS")]
    pub batch_requests: Option<u64>,

    /// Bytes of one provider batch at most [default: what the provider takes].
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_BYTES")]
    pub batch_bytes: Option<u64>,

    /// Prompt tokens enqueued at most, where your account has such a limit.
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_TOKENS")]
    pub batch_tokens: Option<u64>,

    /// Provider batches open at once at most [default: 100 at Gemini, which takes no more; no limit elsewhere].
    #[arg(long, value_name = "N", env = "CORPORA_BATCHES_IN_FLIGHT")]
    pub batches_in_flight: Option<usize>,

    /// Provider batches created in an hour at most [default: 2000 at OpenAI, 1500 at Anthropic, no limit elsewhere].
    #[arg(long, value_name = "N", env = "CORPORA_BATCHES_PER_HOUR")]
    pub batches_per_hour: Option<u32>,

    /// Seconds between two looks at a provider batch, at first; they grow to six times that.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_POLL", default_value_t = defaults::POLL.as_secs_f64())]
    pub poll: f64,

    /// Seconds by which the listing of provider batches may lag behind.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_LISTING_LAG", default_value_t = defaults::LISTING_LAG.as_secs_f64())]
    pub listing_lag: f64,

    /// Die at a named point: for tests of crashes.
    #[cfg(feature = "failpoints")]
    #[arg(long, hide = true, value_name = "POINT")]
    pub crash_at: Option<String>,
}

/// Ways to ask a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Request by request.
    Live,
    /// A few large provider batches at half the price.
    Batch,
    /// Provider batches where there is enough to ask and enough time.
    Auto,
}

/// Ways to ask for what is left undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Finish {
    /// In further provider batches.
    Batch,
    /// Live, at the full price.
    Live,
}

impl BatchEndpointSettings {
    /// The endpoint that is asked. What the file or the environment says of batches waits for a run that makes some.
    ///
    /// # Errors
    /// For values out of range, and for options of the command line that are about batches where none are made.
    pub(super) fn resolve(
        &self,
        remote: &Remote,
        sources: &Sources,
    ) -> Result<(EndpointKind, BatchOptions), SettingsError> {
        let vendor = remote.dialect.vendor;
        let bad = |message: String| Err(SettingsError::Value(message));
        let typed = |key: &str| sources.origin(key) == Origin::Line;
        let mut options = BatchOptions::new(vendor.batch_limits());
        options.poll = seconds("--poll", self.poll)?;
        options.listing_lag = seconds("--listing-lag", self.listing_lag)?;
        options.resubmit = self.resubmit;
        options.abandon = self.abandon_batches;
        let preset = remote.dialect.preset.filter(|preset| !preset.has_batches);
        let way = match (preset, if self.cheapest { Way::Auto } else { self.endpoint }) {
            (Some(preset), Way::Batch) => {
                return bad(format!(
                    "the provider {} has no batch endpoint that this program speaks; leave out --endpoint batch",
                    preset.name
                ));
            }
            (Some(_), Way::Auto) => Way::Live,
            (_, way) => way,
        };
        if way == Way::Live {
            let idle = [("detach", self.detach), ("deadline", self.deadline.is_some()), ("finish", typed("finish"))];
            return match idle.iter().find(|(key, given)| *given && typed(key)) {
                Some((key, _)) => {
                    bad(format!("--{key} is for provider batches; add --endpoint batch, or auto, or --cheapest"))
                }
                None => Ok((EndpointKind::Live, options)),
            };
        }
        for (name, given, limit) in [
            ("--batch-requests", self.batch_requests, &mut options.limits.requests),
            ("--batch-bytes", self.batch_bytes, &mut options.limits.bytes),
        ] {
            match given {
                Some(n) if n == 0 || n > *limit => {
                    return bad(format!("{name} {n} is out of range; this provider takes 1 to {limit}"));
                }
                Some(n) => *limit = n,
                None => {}
            }
        }
        options.per_hour = match self.batches_per_hour.map(NonZeroU32::new) {
            Some(None) => return bad("--batches-per-hour 0 lets no batch through; give at least 1".into()),
            given => given.flatten().or(vendor.batches_per_hour()),
        };
        options.most_tokens = self.batch_tokens;
        options.most_open = self.batches_in_flight.map(|n| n.max(1)).or(vendor.batches_in_flight());
        options.detach = self.detach;
        options.probe = !self.no_probe;
        options.finish_live = self.finish == Finish::Live;
        match (way, &self.deadline) {
            (Way::Auto, given) => {
                let deadline = given.as_deref().map(|given| until(given).map(|left| (remote.now_unix)() + left as f64));
                let deadline = deadline.transpose()?;
                // What a batch leaves undone may take another day.
                options.finish_live |= self.cheapest && deadline.is_some();
                let aim = if self.cheapest { Aim::Cheapest } else { Aim::Soon };
                Ok((EndpointKind::Auto { aim, deadline }, options))
            }
            (_, Some(_)) if typed("deadline") => {
                bad("--deadline chooses between ways to ask; add --cheapest, or --endpoint auto".into())
            }
            _ => Ok((EndpointKind::Batch, options)),
        }
    }
}

/// Seconds until a time of day, today or tomorrow, or to the end of a time from now.
fn until(deadline: &str) -> Result<u64, SettingsError> {
    let span = |unit: char, seconds: u64| deadline.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds);
    if let Some(seconds) = span('m', 60).or_else(|| span('h', 3600)).or_else(|| span('d', 86_400)) {
        return Ok(seconds);
    }
    let parts: Vec<u64> = deadline.split(':').filter_map(|p| p.parse().ok()).collect();
    // A time of TOML without quotes has seconds.
    let ([hour @ 0..24, minute @ 0..60] | [hour @ 0..24, minute @ 0..60, 0]) = parts[..] else {
        return Err(SettingsError::value(format!(
            "--deadline '{deadline}' is neither a time of day, like 07:00, nor a time from now, like 8h or 90m"
        )));
    };
    let now = jiff::Timestamp::now().as_second().rem_euclid(86_400).cast_unsigned();
    Ok((hour * 3600 + minute * 60 + 86_400 - now) % 86_400)
}
