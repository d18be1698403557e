//! `corpora batches DIR`.

use std::io::Write;

use serde_json::json;

use super::exit::{CommandError, Exit};
use super::pay_args::BatchesArgs;
use super::progress::{duration, grouped};
use super::screen;
use crate::engine::expiry_warning;
use crate::store::Store;
use crate::values::{Cost, sorted};

/// Lists the batches of an output folder.
pub(super) fn run(args: &BatchesArgs) -> Result<Exit, CommandError> {
    let reader = Store::open_existing(args.folder.path()?)?.reader()?;
    let now = jiff::Timestamp::now().as_millisecond();
    let mut out = std::io::BufWriter::new(screen::out());
    let all = reader.all_batches()?;
    if args.json {
        let rows: Vec<_> = all
            .iter()
            .map(|b| {
                sorted(json!({
                    "token": b.token, "remote": b.remote, "model": b.model, "state": b.state.name(), "status": b.status,
                    "requests": b.requests, "bytes": b.bytes, "succeeded": b.succeeded, "failed": b.failed, "message": b.message,
                    "dollars_at_most": b.reserved.map(Cost::dollars), "submitted_ms": b.submitted_ms, "expires_ms": b.expires_ms,
                    "warning": expiry_warning(b, now),
                }))
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
