//! How the runs of a folder stand, what they cost, what failed: the numbers of `status` and `cost` in the shape that the page shows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::picture::Opened;
use crate::cli::exit::CommandError;
use crate::cli::status;
use crate::engine::{RunEnd, RunRecord};
use crate::store::LedgerRow;
use crate::values::Stage;

/// Rows of a list.
const ROWS: usize = 200;

/// Moments of the curve of what was spent: more than a screen shows apart.
const MOMENTS: u64 = 200;

/// Money of a model or a book.
#[derive(Default)]
struct Money {
    answers: u64,
    input: u64,
    output: u64,
    dollars: f64,
    is_unknown: bool,
}

impl Money {
    fn add(&mut self, row: &LedgerRow) {
        let usage = row.answers.usage;
        self.answers += row.answers.count;
        self.input += usage.prompt();
        self.output += usage.output;
        self.dollars += row.answers.cost.dollars();
        self.is_unknown |= row.answers.unpriced > 0;
    }
}

/// The dearest first.
fn listed(money: BTreeMap<String, Money>) -> Vec<Value> {
    let mut rows: Vec<(String, Money)> = money.into_iter().filter(|(_, m)| m.answers > 0).collect();
    rows.sort_by(|a, b| b.1.dollars.total_cmp(&a.1.dollars).then_with(|| a.0.cmp(&b.0)));
    let row = |(name, m): (String, Money)| {
        json!({
            "name": name, "answers": m.answers, "input": m.input, "output": m.output,
            "dollars": (!m.is_unknown).then_some(m.dollars),
        })
    };
    rows.into_iter().take(ROWS).map(row).collect()
}

/// Everything about the runs; null where there is no store. What tells the time of the look stands only in one that `is_live`, so that equal
/// folders give equal reports.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn night(folder: &Path, opened: Option<&Opened>, is_live: bool) -> Result<Value, CommandError> {
    let Some(opened) = opened else { return Ok(Value::Null) };
    let reader = &opened.reader;
    let status = serde_json::to_value(status::gather(folder, reader, opened.fps)?).map_err(std::io::Error::from)?;
    let record = RunRecord::read(folder)?;
    let end = record.as_ref().and_then(|record| record.end.as_ref());
    let summary = end.and_then(|RunEnd { summary, .. }| summary.as_ref());
    let (mut models, mut documents) = (BTreeMap::<String, Money>::new(), BTreeMap::<String, Money>::new());
    reader.ledger(|row| {
        models.entry(row.model.clone()).or_default().add(&row);
        let name = row.path.clone().unwrap_or_else(|| "(no longer there)".to_owned());
        documents.entry(name).or_default().add(&row);
    })?;
    let (mut failures, mut partial) = (Vec::new(), Vec::new());
    if let Some(fps) = &opened.fps {
        reader.failures(fps, |failure| {
            if failures.len() < ROWS {
                failures.push(failure);
            }
        })?;
        reader.partials(fps[Stage::Parse], |row| {
            if partial.len() < ROWS {
                partial.push(row);
            }
        })?;
    }
    let mut stages = status["stages"].clone();
    for stage in stages.as_array_mut().into_iter().flatten() {
        let named = |s: &&crate::values::StageTotals| json!(s.stage) == stage["stage"];
        let millis = summary.and_then(|summary| summary.stages.iter().find(named)).map(|s| s.millis);
        if let Some(millis) = millis.filter(|_| is_live) {
            stage["millis"] = millis.into();
        }
    }
    let mut run = status["run"].clone();
    if is_live && let Some(at) = run["at_ms"].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
        run["at"] = format!("{at:.0}").into();
    }
    if !is_live && let Some(run) = run.as_object_mut() {
        run.retain(|key, _| !key.ends_with("_ms") && key != "holder");
    }
    let spent = if is_live { reader.spending(MOMENTS)? } else { Vec::new() };
    let began = spent.first().map_or(0, |first| first.at_ms);
    let spending: Vec<Value> =
        spent.iter().map(|spent| json!([spent.at_ms - began, spent.responses, spent.cost.dollars()])).collect();
    let cap = record.as_ref().and_then(|record| cap(&record.command.as_ref()?.words));
    Ok(json!({
        "run": run, "stages": stages, "steps": if is_live { status["steps"].clone() } else { json!([]) },
        "answers": status["answers"], "dollars": status["dollars"], "lost": status["lost_dollars_at_most"],
        "open": status["open_dollars_at_most"], "cap": cap, "models": listed(models), "documents": listed(documents),
        "spending": spending, "failures": failures, "partial": partial, "changes": status["model_changes"],
    }))
}

/// The cap of a command, in dollars.
fn cap(words: &[String]) -> Option<f64> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(sum) = word.strip_prefix("--max-cost") {
            return sum.strip_prefix('=').or_else(|| words.next().map(String::as_str))?.parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_read_from_either_form_of_the_option() {
        let of = |words: &[&str]| cap(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["batch", "books", "--max-cost", "2.5"]), Some(2.5));
        assert_eq!(of(&["batch", "--max-cost=3", "books"]), Some(3.0));
        assert_eq!(of(&["batch", "--max-cost"]), None);
    }
}
