//! From options, environment and pipeline to a provider that can be asked.

use std::num::NonZeroU32;
use std::time::Duration;

use super::args::{BatchEndpointArgs, ContextArg, EndpointArg, FinishArg, OverlapArg, RemoteArgs};
use super::exit::CommandError;
use crate::engine::{BatchOptions, EndpointKind, Remote};
use crate::remote::{ApiKey, Dialect, Endpoint, Prices, Rates, VENDORS, Vendor, vendor_named};
use crate::stages::extract::{Context, ContextChoice};
use crate::stages::pipeline::Pipeline;
use crate::values::{Cost, listed};

/// Requests in flight at most, unless an option says otherwise.
const IN_FLIGHT: usize = 1024;

/// File descriptors that are not connections: the store, outputs, parse workers, terminals.
const OTHER_FILES: u64 = 256;

/// The provider of a pipeline; none if it is the embedded one. Writes into the pipeline what a question's key has to know of it.
pub(super) fn resolve(
    pipeline: &mut Pipeline,
    args: &RemoteArgs,
    batch: &BatchEndpointArgs,
) -> Result<Option<Remote>, CommandError> {
    let bad = |message: String| Err(CommandError::bad_input(message));
    let choice = &mut pipeline.provider;
    let vendor = match (choice.name.as_str(), vendor_named(&choice.name)) {
        ("local", _) => {
            return match (&choice.model, &args.base_url) {
                (None, None) => Ok(None),
                (Some(model), _) => bad(format!("the local provider has no models; leave out --model {model}")),
                (None, Some(url)) => bad(format!(
                    "the local provider has no address; leave out --base-url {url}, or name the interface it speaks with --provider"
                )),
            };
        }
        (_, Some(vendor)) => vendor,
        (other, None) => {
            let known: Vec<&str> = VENDORS.iter().map(|vendor| vendor.described()).collect();
            return bad(format!(
                "there is no provider '{other}'; known are local, which needs no key and no network, {}",
                listed(&known, "and")
            ));
        }
    };
    let Some(model) = choice.model.clone().filter(|m| !m.trim().is_empty()) else {
        return bad(format!("the provider {} needs a model; give its name with --model", choice.name));
    };
    // Said before anything is parsed, not hours later.
    vendor.structured(&pipeline.schema).map_err(CommandError::bad_input)?;
    let endpoint = endpoint(vendor, args)?;
    let key = key(vendor, args, &endpoint)?;
    let api_version = args.api_version.clone().unwrap_or_else(|| vendor.default_api_version().to_owned());
    if !api_version.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
        return bad(format!("--api-version '{api_version}' cannot be one; give something like 2026-10-21 or v1"));
    }
    let rates = [
        ("rpm", args.rpm, choice.limits.rpm),
        ("itpm", args.itpm, choice.limits.itpm),
        ("otpm", args.otpm, choice.limits.otpm),
        ("tpm", args.tpm, choice.limits.tpm),
    ];
    if let Some((name, ..)) = rates.iter().find(|(_, given, default)| given.or(*default) == Some(0)) {
        return bad(format!("--{name} 0 lets nothing through; leave it out for no limit of your own"));
    }
    let [requests, input, output, tokens] = rates.map(|(_, given, default)| given.or(default));
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let price = prices(args)?.of(&model, today).cloned();
    let max_cost = match args.max_cost {
        None => None,
        Some(dollars) if !(dollars > 0.0 && dollars < 9e6) => {
            return bad(format!("--max-cost {dollars} is no amount of dollars; give for example 5.00"));
        }
        Some(_) if price.is_none() => {
            return bad(format!(
                "--max-cost cannot be kept: the price of the model '{model}' is not known; give a table with it to --prices (the built-in one shows the shape: src/remote/prices.toml)"
            ));
        }
        Some(dollars) => Some(Cost::from_dollars(dollars)),
    };
    choice.origin = Some(endpoint.origin());
    choice.api_version = Some(api_version.clone()).filter(|v| !v.is_empty());
    let first_party =
        Endpoint::new(vendor.default_base_url(), false).is_ok_and(|own| own.origin() == endpoint.origin());
    Ok(Some(Remote {
        dialect: Dialect { vendor, model, api_version, first_party },
        endpoint,
        key,
        rates: Rates { requests, input, output, tokens },
        most_in_flight: in_flight(args)?,
        timeout: seconds("--request-timeout", args.request_timeout, 300.0)?,
        patience: seconds("--patience", args.patience.map(|minutes| minutes * 60.0), 3600.0)?,
        max_cost,
        price,
        overlap: args.overlap != Some(OverlapArg::Off),
        context: match args.context {
            Some(ContextArg::Candidates) => ContextChoice::Always(Context::Candidates),
            Some(ContextArg::Chunks) => ContextChoice::Always(Context::Chunks),
            Some(ContextArg::Auto) | None => ContextChoice::Cheaper,
        },
        endpoint_kind: endpoint_kind(vendor, batch)?,
        now_unix: || jiff::Timestamp::now().as_microsecond() as f64 / 1e6,
    }))
}

fn endpoint_kind(vendor: &dyn Vendor, args: &BatchEndpointArgs) -> Result<EndpointKind, CommandError> {
    let way = args.endpoint.unwrap_or(EndpointArg::Live);
    let bad = |message: String| Err(CommandError::bad_input(message));
    if way == EndpointArg::Live {
        let asked =
            [("--detach", args.detach), ("--deadline", args.deadline.is_some()), ("--finish", args.finish.is_some())];
        return match asked.iter().find(|(_, given)| *given) {
            Some((name, _)) => bad(format!("{name} is for batches; add --endpoint batch, or auto")),
            None => Ok(EndpointKind::Live),
        };
    }
    let mut limits = vendor.batch_limits();
    for (name, given, limit) in [
        ("--batch-requests", args.batch_requests, &mut limits.requests),
        ("--batch-bytes", args.batch_bytes, &mut limits.bytes),
    ] {
        match given {
            Some(n) if n == 0 || n > *limit => {
                return bad(format!("{name} {n} is out of range; this provider takes 1 to {limit}"));
            }
            Some(n) => *limit = n,
            None => {}
        }
    }
    let per_hour = match args.batches_per_hour.map(NonZeroU32::new) {
        Some(None) => return bad("--batches-per-hour 0 lets no batch through; give at least 1".into()),
        given => given.flatten().or(vendor.batches_per_hour()),
    };
    let batch = BatchOptions {
        limits,
        most_tokens: args.batch_tokens,
        most_open: args.batches_in_flight.map(|n| n.max(1)).or(vendor.batches_in_flight()),
        per_hour,
        detach: args.detach,
        probe: !args.no_probe,
        finish_live: args.finish == Some(FinishArg::Live),
        poll: seconds("--poll", args.poll, 10.0)?,
        listing_lag: seconds("--listing-lag", args.listing_lag, 30.0)?,
        resubmit: args.resubmit,
    };
    match (way, &args.deadline) {
        (EndpointArg::Auto, deadline) => {
            let seconds_left = deadline.as_deref().map(until).transpose()?;
            Ok(EndpointKind::Auto { batch, seconds_left })
        }
        (_, Some(_)) => bad("--deadline chooses between batch and live; add --endpoint auto".into()),
        (_, None) => Ok(EndpointKind::Batch(batch)),
    }
}

/// Seconds until a time of day, today or tomorrow.
fn until(deadline: &str) -> Result<u64, CommandError> {
    let parts: Vec<u64> = deadline.split(':').filter_map(|p| p.parse().ok()).collect();
    let [hour @ 0..24, minute @ 0..60] = parts[..] else {
        return Err(CommandError::bad_input(format!("--deadline '{deadline}' is no time of day; give one like 07:00")));
    };
    let now = jiff::Timestamp::now().as_second().rem_euclid(86_400).cast_unsigned();
    Ok((hour * 3600 + minute * 60 + 86_400 - now) % 86_400)
}

fn seconds(name: &str, given: Option<f64>, default: f64) -> Result<Duration, CommandError> {
    let seconds = given.unwrap_or(default);
    match seconds > 0.0 && seconds <= 7.0 * 86_400.0 {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => {
            Err(CommandError::bad_input(format!("{name} is out of range; give a positive time of at most a week")))
        }
    }
}

fn endpoint(vendor: &dyn Vendor, args: &RemoteArgs) -> Result<Endpoint, CommandError> {
    let given = args.base_url.as_deref().unwrap_or(vendor.default_base_url()).trim().trim_end_matches('/');
    Endpoint::new(&vendor.base_url(given), args.allow_http).map_err(CommandError::bad_input)
}

/// The key from the file that was named, or else from the environment.
fn key(vendor: &dyn Vendor, args: &RemoteArgs, endpoint: &Endpoint) -> Result<Option<ApiKey>, CommandError> {
    let variable = vendor.key_variable();
    let (text, place) = match &args.key_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| {
                CommandError::bad_input(format!("the key file '{}' cannot be read: {e}", file.display()))
            })?;
            (Some(text), format!("the key in the file '{}'", file.display()))
        }
        // Set to nothing is how some shells unset.
        None => (
            std::env::var(variable).ok().filter(|key| !key.trim().is_empty()),
            format!("the key in the variable {variable}"),
        ),
    };
    match text {
        Some(text) => {
            ApiKey::new(&text).map(Some).map_err(|e| CommandError::bad_input(format!("{place} cannot be used: {e}")))
        }
        // Servers on this machine rarely want one.
        None if endpoint.is_loopback() => Ok(None),
        None => Err(CommandError::bad_input(format!(
            "{} needs an API key: set the variable {variable}, or name a file that holds it with --key-file",
            endpoint.origin()
        ))),
    }
}

fn prices(args: &RemoteArgs) -> Result<Prices, CommandError> {
    let builtin = Prices::builtin();
    let Some(file) = &args.prices else { return Ok(builtin) };
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|e| CommandError::bad_input(format!("the price table '{shown}' cannot be read: {e}")))?;
    let own = Prices::read(&text)
        .map_err(|e| CommandError::bad_input(format!("the price table '{shown}' cannot be used: {e}")))?;
    Ok(builtin.overridden_by(own))
}

/// Each request in flight is a connection, and each connection a file descriptor: their number is raised if that is allowed.
fn in_flight(args: &RemoteArgs) -> Result<usize, CommandError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = args.in_flight.unwrap_or(IN_FLIGHT);
    if !(1..=100_000).contains(&wanted) {
        return Err(CommandError::bad_input(format!("--in-flight {wanted} is out of range; give 1 to 100000")));
    }
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + OTHER_FILES;
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(wanted);
    }
    let raised = limit.maximum.map_or(needed, |most| most.min(needed));
    let possible = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(_) => limit.current.unwrap_or(raised),
    };
    let fits = usize::try_from(possible.saturating_sub(OTHER_FILES)).unwrap_or(1).max(1);
    match args.in_flight {
        Some(asked) if fits < asked => Err(CommandError::bad_input(format!(
            "--in-flight {asked} needs {needed} open files, and this system allows {possible}; raise it with 'ulimit -n {needed}', or give --in-flight {fits}"
        ))),
        _ => Ok(wanted.min(fits)),
    }
}
