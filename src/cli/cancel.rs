//! `corpora cancel DIR`.

use std::io::Write;

use super::exit::{CommandError, Exit};
use super::open_batches::open_batches;
use super::pay_args::WaitArgs;
use super::screen;
use crate::settings::Sources;

/// Asks the provider to stop provider batches. What is done is still billed, and still collected by the command that made them.
pub(super) fn run(args: &WaitArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut notes = screen::notes(args.quiet.quiet);
    let open = open_batches(args, sources)?;
    let mut stopped = Vec::new();
    if open.is_empty() && !args.json {
        writeln!(notes, "no provider batch is open")?;
    }
    for (batch, client) in open {
        let remote = batch.remote.clone().unwrap_or_default();
        runtime
            .block_on(client.cancel_batch(&remote))
            .map_err(|t| CommandError::bad_input(format!("{remote}: {}; {}", t.message, t.remedy())))?;
        stopped.push(remote.clone());
        if args.json {
            continue;
        }
        writeln!(
            notes,
            "{remote}  is being stopped; what is done by now is billed, and collected by the command that made it, which asks for the rest again"
        )?;
    }
    if args.json {
        screen::print_json(&serde_json::json!({"stopping": stopped}))?;
    }
    Ok(Exit::Done)
}
