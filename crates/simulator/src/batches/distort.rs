//! Faults of what is shown of a batch, in any vendor's shape.

use serde_json::{Value, json};

use super::config::BatchFault;
use super::kept::Batch;

/// Looks at a batch that is over for which its results have no place yet.
const LATE_LOOKS: u32 = 3;

/// Places of files with results.
const FILES: [&str; 4] = ["/output_file_id", "/error_file_id", "/metadata/output", "/response"];

/// Places of the word for a batch's state.
const STATES: [&str; 3] = ["/processing_status", "/status", "/metadata/state"];

/// Places of counts.
const COUNTS: [&str; 2] = ["/request_counts", "/metadata/batchStats"];

/// Does to what is shown of a batch what its faults do. `is_over` says that its results are there.
pub(super) fn distort(shown: &mut Value, batch: &Batch, is_over: bool) {
    for fault in &batch.faults {
        match fault {
            BatchFault::LateResults if is_over && batch.late_looks <= LATE_LOOKS => put(shown, &FILES, &Value::Null),
            BatchFault::UnknownState if is_over => put(shown, &STATES, &json!("settled")),
            BatchFault::NoLabels => put(
                shown,
                &["/metadata/corpora", "/metadata/displayName", "/metadata/inputConfig", "/input_file_id"],
                &Value::Null,
            ),
            BatchFault::NoErrorFile => put(shown, &["/error_file_id"], &Value::Null),
            BatchFault::EveryState => pass_through(shown, batch, is_over),
            BatchFault::NoCounts => put(shown, &COUNTS, &Value::Null),
            BatchFault::NegativeCounts => each_count(shown, |_| -1),
            BatchFault::CountsTooHigh if is_over => {
                let all = batch.requests.len() as i64;
                let is_good = |name: &str| ["succeeded", "completed", "successfulRequestCount"].contains(&name);
                each_count(shown, |name| if is_good(name) { all } else { 0 });
            }
            _ => {}
        }
    }
}

fn put(shown: &mut Value, places: &[&str], value: &Value) {
    for place in places {
        if let Some(slot) = shown.pointer_mut(place) {
            *slot = value.clone();
        }
    }
}

/// Changes each count, as a number or as the string in which Google writes it. How many were asked stays.
fn each_count(shown: &mut Value, number: impl Fn(&str) -> i64) {
    for counts in COUNTS {
        for (name, count) in shown.pointer_mut(counts).and_then(Value::as_object_mut).into_iter().flatten() {
            if ["total", "requestCount"].contains(&name.as_str()) {
                continue;
            }
            *count = match &*count {
                Value::String(_) => json!(number(name).to_string()),
                _ => json!(number(name)),
            };
        }
    }
}

/// The states before work begins, and those between its end and the results, a look each.
fn pass_through(shown: &mut Value, batch: &Batch, is_over: bool) {
    let word = match (shown.pointer("/object").is_some(), shown.pointer("/metadata/state").is_some()) {
        (true, _) if is_over && batch.late_looks <= 1 => {
            Some(if batch.cancelled { "cancelling" } else { "finalizing" })
        }
        (true, _) if batch.looks <= 1 => Some("validating"),
        (_, true) if is_over && batch.cancelled && batch.late_looks <= 1 => Some("BATCH_STATE_CANCELLING"),
        (_, true) if is_over && batch.late_looks <= 1 => Some("BATCH_STATE_UPDATING"),
        (_, true) if batch.looks <= 1 => Some("BATCH_STATE_PENDING"),
        (false, false) if is_over && batch.late_looks <= 1 => {
            Some(if batch.cancelled { "canceling" } else { "in_progress" })
        }
        _ => None,
    };
    if let Some(word) = word {
        put(shown, &STATES, &json!(word));
        put(shown, &FILES, &Value::Null);
        put(shown, &["/done"], &json!(false));
    }
}
