//! `corpora audit DIR`.

use std::io::Write;

use serde_json::{Value, json};

use super::exit::{CommandError, Exit};
use super::pay_args::AuditArgs;
use super::progress::grouped;
use super::screen;
use crate::store::{AuditRow, BatchRow, BatchState, LedgerSums, Store};
use crate::values::{Cost, Usage, plural, sorted};

/// Prints the ledger in two columns; the exit code says whether it balances: 0 if nothing is open or owed, 75 if something is.
pub(super) fn run(args: &AuditArgs) -> Result<Exit, CommandError> {
    let folder = args.folder.path()?;
    let reader = Store::open_existing(folder)?.reader()?;
    if !reader.can_be_audited()? {
        let folder = folder.display();
        return Err(CommandError::bad_input(format!(
            "the store in '{folder}' is of an older version, which kept no ledger in two columns; the next 'corpora batch ... -o {folder}' brings it up to date"
        )));
    }
    let rows = reader.audit()?;
    let mut out = std::io::BufWriter::new(screen::out());
    if args.json {
        let all: Vec<Value> = rows.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut out, &sorted(json!({"rows": all, "total": total(&rows)})))
            .map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        table(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(if rows.iter().any(|row| is_due(row) > 0) { Exit::Partial } else { Exit::Done })
}

/// Requests that were sent and of which nothing is known: they may be paid for. What was never sent is none of them.
fn is_due(row: &AuditRow) -> u64 {
    let was_sent = row.batch.as_ref().is_none_or(|batch| batch.state > BatchState::Planned);
    if was_sent { row.open } else { 0 }
}

/// A batch that is read whole, and whose provider sums up other tokens than its answers hold.
fn disagreement(row: &AuditRow) -> Option<(&BatchRow, Usage)> {
    let batch = row.batch.as_ref().filter(|batch| batch.state == BatchState::Collected)?;
    let told = batch.told?;
    let read = row.answers.usage;
    ((told.input, told.output) != (read.prompt(), read.output)).then_some((batch, told))
}

/// A sum in dollars, null where a price is not known.
fn dollars(sums: &LedgerSums) -> Value {
    if sums.unpriced == 0 { json!(sums.cost.dollars()) } else { Value::Null }
}

fn row(row: &AuditRow) -> Value {
    let batch = row.batch.as_ref();
    let usage = row.answers.usage;
    json!({
        "way": if batch.is_some() { "batch" } else { "live" },
        "batch": batch.map(|b| b.token.as_str()),
        "remote": batch.and_then(|b| b.remote.as_deref()),
        "state": batch.map(|b| b.state.name()),
        "sent": row.sent,
        "sent_dollars_at_most": batch.and_then(|b| b.reserved).map(Cost::dollars),
        "answered": row.answers.count,
        "input_tokens": usage.prompt(),
        "output_tokens": usage.output,
        "dollars": dollars(&row.answers),
        "denied": row.denied,
        "open": is_due(row),
        "owed": batch.map_or(0, |b| b.owed.min(row.open)),
        "lost": row.lost.count,
        "lost_dollars_at_most": dollars(&row.lost),
        "provider_counts": batch.map(|b| json!({
            "succeeded": b.succeeded,
            "failed": b.failed,
            "input_tokens": b.told.map(|told| told.input),
            "output_tokens": b.told.map(|told| told.output),
        })),
    })
}

fn total(rows: &[AuditRow]) -> Value {
    let sum = |of: &dyn Fn(&AuditRow) -> u64| rows.iter().map(of).sum::<u64>();
    let cost = |of: fn(&AuditRow) -> &LedgerSums| {
        let known = rows.iter().all(|row| of(row).unpriced == 0);
        known.then(|| rows.iter().map(|row| of(row).cost.dollars()).sum::<f64>())
    };
    json!({
        "sent": sum(&|r| r.sent),
        "answered": sum(&|r| r.answers.count),
        "input_tokens": sum(&|r| r.answers.usage.prompt()),
        "output_tokens": sum(&|r| r.answers.usage.output),
        "dollars": cost(|r| &r.answers),
        "denied": sum(&|r| r.denied),
        "open": sum(&is_due),
        "owed": sum(&|r| r.batch.as_ref().map_or(0, |b| b.owed.min(r.open))),
        "lost": sum(&|r| r.lost.count),
        "lost_dollars_at_most": cost(|r| &r.lost),
    })
}

fn table(out: &mut impl Write, rows: &[AuditRow]) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<18} {:<10} {:>9} {:>9} {:>13} {:>13} {:>9} {:>9} {:>9} {:>9}",
        "way", "state", "sent", "answered", "cost", "lost at most", "denied", "open", "owed", "lost"
    )?;
    let money = |sums: &LedgerSums| if sums.unpriced == 0 { sums.cost.to_string() } else { "unknown".to_owned() };
    for row in rows {
        let batch = row.batch.as_ref();
        writeln!(
            out,
            "{:<18} {:<10} {:>9} {:>9} {:>13} {:>13} {:>9} {:>9} {:>9} {:>9}",
            batch.map_or("live", |b| b.token.as_str()),
            batch.map_or("", |b| b.state.name()),
            grouped(row.sent),
            grouped(row.answers.count),
            money(&row.answers),
            money(&row.lost),
            grouped(row.denied),
            grouped(is_due(row)),
            grouped(batch.map_or(0, |b| b.owed.min(row.open))),
            grouped(row.lost.count),
        )?;
    }
    for row in rows {
        if let Some((batch, told)) = disagreement(row) {
            let (read, name) = (row.answers.usage, batch.remote.as_deref().unwrap_or(&batch.token));
            writeln!(
                out,
                "provider batch {name}: its provider sums up {} tokens in and {} out, and its answers hold {} and {}: compare with the bill",
                grouped(told.input),
                grouped(told.output),
                grouped(read.prompt()),
                grouped(read.output),
            )?;
        }
    }
    let open: u64 = rows.iter().map(is_due).sum();
    if open > 0 {
        writeln!(
            out,
            "{} sent and not read: this may be paid for, and nobody asks for it again; the command that asked collects it",
            plural(open, "request was", "requests were")
        )?;
    } else {
        writeln!(
            out,
            "the ledger balances: everything that was sent is answered, denied by its provider, or counted as lost"
        )?;
    }
    Ok(())
}
