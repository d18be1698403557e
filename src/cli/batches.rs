//! `corpora batches DIR`, `corpora wait DIR`, `corpora cancel DIR`: what is at a provider's batch endpoint.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::args::{BatchEndpointArgs, BatchesArgs, RemoteArgs, WaitArgs};
use super::exit::{CommandError, Exit};
use super::progress::{duration, grouped};
use super::remote;
use crate::engine::{Remote, expiry_warning, expiry_warnings};
use crate::pipelines;
use crate::remote::{Client, Standing};
use crate::store::{BatchRow, BatchState, Reader, Store};
use crate::values::Cost;

/// Lists the batches of an output folder.
pub(super) fn list(args: &BatchesArgs) -> Result<Exit, CommandError> {
    let reader = Store::open_existing(&args.dir)?.reader()?;
    let now = jiff::Timestamp::now().as_millisecond();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let all = reader.all_batches()?;
    if args.json {
        let rows: Vec<_> = all
            .iter()
            .map(|b| {
                json!({
                    "token": b.token, "remote": b.remote, "model": b.model, "state": b.state.name(), "status": b.status,
                    "requests": b.requests, "bytes": b.bytes, "succeeded": b.succeeded, "failed": b.failed, "message": b.message,
                    "dollars_at_most": b.reserved.map(Cost::dollars), "submitted_ms": b.submitted_ms, "expires_ms": b.expires_ms,
                    "warning": expiry_warning(b, now),
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &rows).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(out.flush().map(|()| Exit::Done)?);
    }
    if all.is_empty() {
        writeln!(out, "no batches; 'corpora batch ... --endpoint batch' makes some")?;
        return Ok(out.flush().map(|()| Exit::Done)?);
    }
    writeln!(
        out,
        "{:<18} {:<10} {:>9} {:>9} {:>7} {:>10} {:>12}  at the provider",
        "token", "state", "requests", "done", "failed", "age", "at most"
    )?;
    for b in &all {
        let age = b.submitted_ms.map_or_else(String::new, |at| duration((now - at).max(0).cast_unsigned()));
        let cost = b.reserved.map_or_else(|| "unknown".to_owned(), |c| c.to_string());
        writeln!(
            out,
            "{:<18} {:<10} {:>9} {:>9} {:>7} {age:>10} {cost:>12}  {}",
            b.token,
            b.state.name(),
            grouped(b.requests),
            grouped(b.succeeded),
            grouped(b.failed),
            b.remote.as_deref().unwrap_or("-")
        )?;
        if let Some(message) = &b.message {
            writeln!(out, "    {message}")?;
        }
        if let Some(warning) = expiry_warning(b, now) {
            writeln!(out, "    warning: {warning}")?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Open batches that the provider has, and who they were sent to.
fn open(dir: &Path, args: &RemoteArgs, only: Option<&str>) -> Result<Vec<(BatchRow, Client)>, CommandError> {
    let reader = Store::open_existing(dir)?.reader()?;
    let mut found = Vec::new();
    for batch in reader.all_batches()? {
        let chosen = only.is_none_or(|only| batch.token == only || batch.remote.as_deref() == Some(only));
        if !chosen || batch.state != BatchState::Submitted {
            continue;
        }
        let remote = of(&reader, &batch, args)?;
        let pipeline = pipelines::find("glossary").map_err(CommandError::bad_input)?;
        let client = remote.client(&pipeline.schema)?;
        found.push((batch, client));
    }
    if let (Some(only), true) = (only, found.is_empty()) {
        return Err(CommandError::bad_input(format!(
            "no batch '{only}' of '{}' is at the provider; 'corpora batches {}' lists them",
            dir.display(),
            dir.display()
        )));
    }
    Ok(found)
}

/// The provider of a batch, as its question tells.
fn of(reader: &Reader, batch: &BatchRow, args: &RemoteArgs) -> Result<Remote, CommandError> {
    let spec: serde_json::Value =
        serde_json::from_str(&reader.spec(batch.question)?.unwrap_or_default()).unwrap_or_default();
    let mut pipeline = pipelines::find("glossary").map_err(CommandError::bad_input)?;
    pipeline.provider.name = spec["provider"].as_str().unwrap_or_default().to_owned();
    pipeline.provider.model = Some(batch.model.clone());
    let args = RemoteArgs {
        base_url: args.base_url.clone().or_else(|| spec["origin"].as_str().map(str::to_owned)),
        key_file: args.key_file.clone(),
        allow_http: args.allow_http,
        api_version: args.api_version.clone(),
        ..RemoteArgs::default()
    };
    remote::resolve(&mut pipeline, &args, &BatchEndpointArgs::default())?
        .ok_or_else(|| CommandError::bad_input("the embedded provider has no batches"))
}

/// Waits until every batch at the provider has ended.
pub(super) fn wait(args: &WaitArgs) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut open = open(&args.dir, &args.remote, args.batch.as_deref())?;
    let poll = Duration::from_secs_f64(args.poll.clamp(0.01, 3600.0));
    let mut err = std::io::stderr();
    let reader = Store::open_existing(&args.dir)?.reader()?;
    let mut warned = HashSet::new();
    loop {
        for warning in expiry_warnings(&reader, jiff::Timestamp::now().as_millisecond())? {
            // Once each day, or each hour of the last two days.
            if warned.insert(warning.clone()) {
                writeln!(err, "warning: {warning}")?;
            }
        }
        let mut running = Vec::new();
        for (batch, client) in open {
            let remote = batch.remote.clone().unwrap_or_default();
            match runtime.block_on(client.batch(&remote)) {
                Ok(seen) if seen.standing == Standing::Running => running.push((batch, client)),
                Ok(seen) => {
                    writeln!(err, "{remote}  {}: {} succeeded, {} did not", seen.status, seen.succeeded, seen.failed)?;
                }
                Err(trouble) if matches!(trouble.disposition(), crate::remote::Disposition::Retry { .. }) => {
                    running.push((batch, client));
                }
                Err(trouble) => {
                    return Err(CommandError::bad_input(format!(
                        "{remote}: {}; {}",
                        trouble.message,
                        trouble.remedy()
                    )));
                }
            }
        }
        if running.is_empty() {
            writeln!(err, "nothing is running any more; the command that made a batch collects it")?;
            return Ok(Exit::Done);
        }
        open = running;
        std::thread::sleep(poll);
    }
}

/// Asks the provider to stop batches. What is done is still billed, and still collected by the command that made them.
pub(super) fn cancel(args: &WaitArgs) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut err = std::io::stderr();
    let open = open(&args.dir, &args.remote, args.batch.as_deref())?;
    if open.is_empty() {
        writeln!(err, "no batch is at the provider")?;
    }
    for (batch, client) in open {
        let remote = batch.remote.clone().unwrap_or_default();
        runtime
            .block_on(client.cancel_batch(&remote))
            .map_err(|t| CommandError::bad_input(format!("{remote}: {}; {}", t.message, t.remedy())))?;
        writeln!(
            err,
            "{remote}  is being stopped; what is done by now is billed, and collected by the command that made it, which asks for the rest again"
        )?;
    }
    Ok(Exit::Done)
}
