//! `corpora wait DIR`.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use super::exit::{CommandError, Exit};
use super::open_batches::open_batches;
use super::pay_args::WaitArgs;
use super::screen;
use crate::engine::expiry_warnings;
use crate::remote::{Disposition, Standing};
use crate::settings::Sources;
use crate::store::Store;

/// Waits until every batch at the provider has ended.
pub(super) fn run(args: &WaitArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut open = open_batches(args, sources)?;
    let poll = Duration::from_secs_f64(args.poll.clamp(0.01, 3600.0));
    let mut err = screen::err();
    let mut notes = screen::notes(args.quiet.quiet);
    let reader = Store::open_existing(args.folder.path()?)?.reader()?;
    let mut warned = HashSet::new();
    let mut ended = Vec::new();
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
                    let counts = seen.counts.unwrap_or_default();
                    ended.push(serde_json::json!({
                        "batch": remote, "status": seen.status, "succeeded": counts.succeeded, "failed": counts.failed,
                    }));
                    if !args.json {
                        let failed = match counts.failed {
                            0 => String::new(),
                            failed => format!(", {failed} failed"),
                        };
                        writeln!(notes, "{remote}  {}: {} succeeded{failed}", seen.status, counts.succeeded)?;
                    }
                }
                Err(trouble) if matches!(trouble.disposition(), Disposition::Retry { .. }) => {
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
            if args.json {
                screen::print_json(&serde_json::json!({"ended": ended}))?;
            } else {
                writeln!(notes, "no provider batch is running any more; the command that made one collects it")?;
            }
            return Ok(Exit::Done);
        }
        open = running;
        std::thread::sleep(poll);
    }
}
