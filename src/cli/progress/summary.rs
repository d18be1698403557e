//! The summary at the end of a run, whatever happened.

use std::fmt::Write;

use crate::engine::ERROR_LOG;
use crate::values::{Asked, Cost, Event, Format, ModelChange, RunOutcome, SectionKind, Shown, Summary};

/// The summary as a block of text: how it ended, counts, time, and what to type next.
pub(super) fn text(summary: &Summary) -> String {
    let mut out = String::from("\n");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<11} {value}");
    };
    let heading = match summary.outcome {
        RunOutcome::Complete => "done",
        RunOutcome::Partial => "partly done",
        RunOutcome::AllFailed => "every document failed",
        RunOutcome::NoDocuments => "no documents found",
        RunOutcome::Interrupted => "interrupted",
    };
    row(heading, format!("{} files in {}", grouped(summary.documents), duration(summary.millis)));
    row("succeeded", grouped(summary.succeeded));
    row("skipped", format!("{} (done before)", grouped(summary.skipped)));
    row("failed", grouped(summary.failed));
    if summary.partial > 0 {
        let what = "kept without the text of some pages; 'corpora status' says which";
        row("partial", format!("{} ({what})", grouped(summary.partial)));
    }
    if summary.waiting > 0 {
        row("waiting", grouped(summary.waiting));
    }
    if summary.ignored > 0 {
        let formats: Vec<String> =
            summary.ignored_formats.iter().map(|(word, files)| format!("{} {word}", grouped(*files))).collect();
        let what = if formats.is_empty() {
            format!("not {}", wanted(summary))
        } else {
            format!("{} among them: --formats all takes such files too", formats.join(", "))
        };
        row("passed over", format!("{} ({what})", grouped(summary.ignored)));
    }
    row("terms", format!("{}, {} flagged", grouped(summary.terms), grouped(summary.flagged)));
    if let Some(asked) = &summary.asked {
        row("asked", self::asked(asked));
    }
    for change in &summary.model_changes {
        row("model", model_change(change));
    }
    if !summary.stages.is_empty() {
        let times: Vec<String> =
            summary.stages.iter().map(|s| format!("{} {}", s.stage.name(), duration(s.millis))).collect();
        row("time", times.join(", "));
    }
    if let Some(stop) = &summary.stop {
        row("stopped", Shown(&stop.message).to_string());
    }
    let next = match summary.outcome {
        _ if summary.stop.is_some() => None,
        RunOutcome::Complete => None,
        RunOutcome::Interrupted => Some("the same command continues where this run stopped".to_owned()),
        RunOutcome::NoDocuments => Some(format!("give a folder that holds {} files", wanted(summary))),
        RunOutcome::Partial if summary.waiting > 0 => Some("the same command continues".to_owned()),
        RunOutcome::Partial | RunOutcome::AllFailed => {
            Some(format!("reasons are in {ERROR_LOG} in the output folder; --retry-failed tries the failed ones again"))
        }
    };
    if let Some(next) = next {
        row("next", next);
    }
    out
}

/// Formats that the run took, as a choice: "PDF or EPUB".
fn wanted(summary: &Summary) -> String {
    Format::listed(summary.formats.iter().copied(), "or")
}

/// Count of what a provider was asked, in a line.
pub(super) fn asked(asked: &Asked) -> String {
    let cost = match asked.picodollars {
        Some(pico) => Cost(pico).to_string(),
        None => "price unknown".to_owned(),
    };
    format!(
        "{} answers, {} tokens in, {} out, {cost}",
        grouped(asked.answers),
        grouped(asked.input_tokens),
        grouped(asked.output_tokens)
    )
}

/// Requests in flight and what is left of the asking, in a line.
pub(super) fn left(in_flight: u64, units: u64, millis: Option<u64>) -> String {
    let left = match (units, millis) {
        (0, _) => return format!("{in_flight} in flight"),
        (_, None) => String::new(),
        (_, Some(millis)) => format!(", about {} left", duration(millis)),
    };
    format!("{in_flight} in flight, {} to go{left}", counted(units, "unit", "units"))
}

/// The model that answers since a moment, in a line.
pub(in crate::cli) fn model_change(change: &ModelChange) -> String {
    let at = jiff::Timestamp::from_millisecond(change.at_ms).unwrap_or_default();
    format!(
        "from {} on {} answered instead of {} ({})",
        at.strftime("%Y-%m-%d %H:%M UTC"),
        Shown(&change.since),
        Shown(&change.before),
        counted(change.answers, "answer", "answers")
    )
}

/// Work at the provider's batch endpoint, before what has come of it.
pub(super) fn batching(batches: u64, requests: u64, done: Option<u64>) -> String {
    let all = counted(requests, "request", "requests");
    match (batches, done) {
        (0, _) => String::new(),
        (n, Some(done)) => format!("{}, {} of {all} done; ", counted(n, "batch", "batches"), grouped(done)),
        (n, None) => format!("{} with {all}; ", counted(n, "batch", "batches")),
    }
}

/// A number with the word for what it counts.
pub(in crate::cli) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Place of a stage in a long document: `refman.pdf page 1,200 of 5,000`.
pub(super) fn position(event: &Event) -> Option<String> {
    let Event::DocumentProgress { path, section, done, total, .. } = event else { return None };
    let section = match section {
        SectionKind::Page => "page",
        SectionKind::Chapter => "chapter",
    };
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    Some(format!("{} {section} {} of {}", Shown(name), grouped((*done).into()), grouped((*total).into())))
}

/// `1234567` as `1,234,567`.
pub(in crate::cli) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds as people say them.
pub(in crate::cli) fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(batching(1, 1, None), "1 batch with 1 request; ");
        assert_eq!(batching(2, 5_000, Some(1_200)), "2 batches, 1,200 of 5,000 requests done; ");
        assert_eq!(batching(0, 0, Some(0)), "");
        assert_eq!([7, 1_250, 184_000, 7_260_000].map(duration), ["7 ms", "1.2 s", "3 min 4 s", "2 h 1 min"]);
    }
}
