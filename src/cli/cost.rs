//! `corpora cost DIR`.

use std::io::Write;

use serde::Serialize;

use super::exit::{CommandError, Exit};
use super::pay_args::{CostArgs, CostFormat};
use super::progress::{counted, grouped, model_change};
use super::screen;
use crate::store::{LedgerRow, LedgerSums, Store};
use crate::values::{Cost, ModelChange};

/// One line of the ledger. A cost is null where the price was not known when the answer came.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    document: String,
    stage: &'static str,
    provider: String,
    model: String,
    answers: u64,
    input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
    /// Answers whose tokens the provider did not tell: estimated.
    estimated_answers: u64,
    dollars: Option<f64>,
    lost_requests: u64,
    lost_dollars_at_most: Option<f64>,
}

impl Row {
    fn new(document: String, provider: String, model: String, answers: &LedgerSums, lost: &LedgerSums) -> Self {
        let usage = answers.usage;
        let known = |sums: &LedgerSums| (sums.unpriced == 0).then(|| sums.cost.dollars());
        Self {
            document,
            stage: "extract",
            provider,
            model,
            answers: answers.count,
            input_tokens: usage.input,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write_5m + usage.cache_write_1h,
            output_tokens: usage.output,
            estimated_answers: answers.untold,
            dollars: known(answers),
            lost_requests: lost.count,
            lost_dollars_at_most: known(lost),
        }
    }

    fn of(row: &LedgerRow) -> Self {
        let question: serde_json::Value = serde_json::from_str(&row.question).unwrap_or_default();
        let provider = question["provider"].as_str().unwrap_or("unknown").to_owned();
        let document = row.path.clone().unwrap_or_else(|| "(no longer there)".into());
        Self::new(document, provider, row.model.clone(), &row.answers, &row.lost)
    }
}

/// Sum of the ledger, with what stands in batches that are not over.
#[derive(Debug, Serialize)]
struct Total {
    #[serde(flatten)]
    row: Row,
    open_requests: u64,
    open_dollars_at_most: Option<f64>,
    /// Models that began to answer in the place of others, under the same name.
    model_changes: Vec<ModelChange>,
}

/// Prints what was paid.
pub(super) fn run(args: &CostArgs) -> Result<Exit, CommandError> {
    let reader = Store::open_existing(args.folder.path()?)?.reader()?;
    let (answers, lost) = reader.ledger_sums()?;
    let total = Row::new("total".into(), String::new(), String::new(), &answers, &lost);
    let open = reader.all_open_batches()?;
    let is_priced = open.iter().all(|batch| batch.reserved.is_some());
    let open_at_most = if is_priced { Some(reader.open_batches_at_most()?.dollars()) } else { None };
    let open_requests: u64 = open.iter().map(|batch| batch.requests).sum();
    let mut out = std::io::BufWriter::new(screen::out());
    match if args.json { CostFormat::Json } else { args.format } {
        CostFormat::Csv => {
            let mut table = csv::Writer::from_writer(&mut out);
            let mut failed = None;
            if answers.count + lost.count == 0 {
                // A header even without rows.
                table.write_record(["document", "stage", "provider", "model", "answers"])?;
            }
            reader.ledger(|row| {
                if let Err(e) = table.serialize(Row::of(&row)) {
                    failed.get_or_insert(e);
                }
            })?;
            failed.map_or(Ok(()), Err)?;
            table.flush()?;
        }
        CostFormat::Json => {
            write!(out, "{{\"rows\":[")?;
            let mut first = true;
            let mut failed = None;
            reader.ledger(|row| {
                let line = serde_json::to_string(&Row::of(&row)).unwrap_or_default();
                if let Err(e) = write!(out, "{}{line}", if std::mem::take(&mut first) { "" } else { "," }) {
                    failed.get_or_insert(e);
                }
            })?;
            failed.map_or(Ok(()), Err)?;
            let model_changes = reader.model_changes()?;
            let total = Total { row: total, open_requests, open_dollars_at_most: open_at_most, model_changes };
            writeln!(out, "],\"total\":{}}}", serde_json::to_string(&total).map_err(std::io::Error::from)?)?;
        }
        CostFormat::Table => {
            writeln!(
                out,
                "{:>9} {:>13} {:>11} {:>12} {:>13}  {:<24} document",
                "answers", "tokens in", "cached", "tokens out", "cost", "model"
            )?;
            let mut failed = None;
            reader.ledger(|row| {
                if let Err(e) = line(&mut out, &Row::of(&row)) {
                    failed.get_or_insert(e);
                }
            })?;
            failed.map_or(Ok(()), Err)?;
            line(&mut out, &total)?;
            if lost.count > 0 {
                let most = total
                    .lost_dollars_at_most
                    .map_or_else(|| "an unknown sum".into(), |d| Cost::from_dollars(d).to_string());
                writeln!(
                    out,
                    "{} broke off although the provider may have answered and billed: at most {most} more",
                    counted(lost.count, "request", "requests")
                )?;
            }
            if !open.is_empty() {
                let most = open_at_most.map_or_else(|| "an unknown sum".into(), |d| Cost::from_dollars(d).to_string());
                writeln!(
                    out,
                    "{} in provider batches that are not collected ('corpora batches'): at most {most} more",
                    counted(open_requests, "request", "requests")
                )?;
            }
            for change in reader.model_changes()? {
                writeln!(out, "{}", model_change(&change))?;
            }
            if answers.untold > 0 {
                writeln!(
                    out,
                    "the tokens of {} are estimated, because the provider told none",
                    counted(answers.untold, "answer", "answers")
                )?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn line(out: &mut impl Write, row: &Row) -> std::io::Result<()> {
    let cost = row.dollars.map_or_else(|| "unknown".to_owned(), |d| Cost::from_dollars(d).to_string());
    writeln!(
        out,
        "{:>9} {:>13} {:>11} {:>12} {cost:>13}  {:<24} {}",
        grouped(row.answers),
        grouped(row.input_tokens + row.cache_read_tokens + row.cache_write_tokens),
        grouped(row.cache_read_tokens),
        grouped(row.output_tokens),
        row.model,
        row.document
    )
}
