//! Lines of text, for logs and pipes.

use std::io::Write;
use std::time::{Duration, Instant};

use super::ending::Ending;
use super::fitted::shortened;
use super::reporter::Verbosity;
use super::{summary, words};
use crate::cli::paint;
use crate::values::{Event, Phase, Shown, SourcePath, Stage};

/// A progress line is written at most this often: a log of a whole night is to be read ...
const PAUSE: Duration = Duration::from_secs(5);
/// ... so that of a stage that has lasted long, lines are rarer: this part of the time that it has taken ...
const PAUSE_PART: u32 = 50;
/// ... and at least this often, or one would take it for dead.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Writes a run as lines.
pub(super) struct Lines<W> {
    verbosity: Verbosity,
    out: W,
    /// By stage: several may run side by side.
    stages: [Option<StageLine>; Phase::COUNT],
    /// Time at which the progress of a long document was last told.
    told: Option<Instant>,
    asked: String,
}

struct StageLine {
    total: u64,
    done: u64,
    failed: u64,
    begun: Instant,
    told: Instant,
}

impl StageLine {
    fn is_due(&self) -> bool {
        self.told.elapsed() >= pause(self.begun.elapsed())
    }
}

/// Time between two lines of a stage that has taken so long.
fn pause(taken: Duration) -> Duration {
    (taken / PAUSE_PART).clamp(PAUSE, LONGEST_PAUSE)
}

impl<W: Write> Lines<W> {
    pub(super) fn new(verbosity: Verbosity, out: W) -> Self {
        Self { verbosity, out, stages: Default::default(), told: None, asked: String::new() }
    }

    pub(super) fn show(&mut self, event: &Event, ending: &Ending) {
        // A closed pipe must not stop the work.
        let _ = self.write(event, ending);
    }

    fn write(&mut self, event: &Event, ending: &Ending) -> std::io::Result<()> {
        if let Event::RunFinished { summary } = event {
            return self.out.write_all(summary::text(summary, ending).as_bytes());
        }
        if let Some(line) = document_line(event, self.verbosity, None) {
            writeln!(self.out, "{line}")?;
        }
        if self.verbosity == Verbosity::Quiet {
            return Ok(());
        }
        match event {
            Event::StageStarted { stage, total, skipped, failed } => {
                let now = Instant::now();
                let line = StageLine { total: *total, done: 0, failed: 0, begun: now, told: now };
                self.stages[stage.index()] = Some(line);
                if *stage != Phase::Discover {
                    let earlier = |n: u64, what: &str| if n > 0 { format!(", {n} {what}") } else { String::new() };
                    let (skipped, failed) = (earlier(*skipped, "done before"), earlier(*failed, "failed before"));
                    writeln!(self.out, "{:<9} {total} to do{skipped}{failed}", stage.name())?;
                }
            }
            Event::Asking { .. } => {
                self.asked = format!("; {}", words::asking(event).unwrap_or_default());
                self.count(Stage::Extract.into(), 0, 0)?;
            }
            Event::Batching { batches, requests, done, asked } => {
                self.asked = format!("; {}{}", words::batching(*batches, *requests, *done), words::asked(asked));
                self.count(Stage::Extract.into(), 0, 0)?;
            }
            Event::DocumentProgress { stage, .. } => {
                if self.told.is_none_or(|told| told.elapsed() >= PAUSE)
                    && let Some(at) = words::position(event)
                {
                    self.told = Some(Instant::now());
                    writeln!(self.out, "{:<9} {at}", stage.name())?;
                }
            }
            Event::DocumentDone { stage, .. } => self.count(*stage, 1, 0)?,
            Event::DocumentFailed { stage, .. } => self.count(*stage, 0, 1)?,
            Event::StageFinished { totals } => {
                let failed = if totals.failed > 0 { format!(", {} failed", totals.failed) } else { String::new() };
                let done = totals.done;
                writeln!(
                    self.out,
                    "{:<9} {done} done{failed} in {}",
                    totals.stage.name(),
                    words::duration(totals.millis)
                )?;
            }
            Event::Stopping => {
                writeln!(self.out, "stopping: finishing what is in flight; Ctrl-C again stops at once")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, stage: Phase, done: u64, failed: u64) -> std::io::Result<()> {
        let Some(line) = &mut self.stages[stage.index()] else { return Ok(()) };
        line.done += done;
        line.failed += failed;
        if line.is_due() {
            line.told = Instant::now();
            let through = line.done + line.failed;
            let asked = if stage == Stage::Extract { self.asked.as_str() } else { "" };
            writeln!(self.out, "{:<9} {through} of {}, {} failed{asked}", stage.name(), line.total, line.failed)?;
        }
        Ok(())
    }
}

/// The line that an event about a document or a notice deserves, if any. On a screen with so many columns long names lack their middle.
pub(super) fn document_line(event: &Event, verbosity: Verbosity, width: Option<usize>) -> Option<String> {
    let name = |path: &SourcePath| match width {
        Some(columns) => shortened(&path.to_string(), (columns / 2).max(24)),
        None => path.to_string(),
    };
    match event {
        Event::DocumentFailed { stage, path, kind, message, .. } => Some(format!(
            "{} {} [{}, {}]: {}",
            paint::red("failed   "),
            name(path),
            stage.name(),
            kind.name(),
            Shown(message)
        )),
        Event::Warning { message } => Some(format!("{} {}", paint::yellow("warning  "), Shown(message))),
        Event::Notice { message } if verbosity != Verbosity::Quiet => Some(format!("note      {}", Shown(message))),
        Event::DocumentRetried { stage, path, message, .. } if verbosity == Verbosity::Verbose => {
            Some(format!("again     {} [{}]: {}", name(path), stage.name(), Shown(message)))
        }
        Event::DocumentDone { stage, path, terms, millis, notes, .. } if verbosity == Verbosity::Verbose => {
            let terms =
                if *terms > 0 { format!(", {}", words::counted(*terms, "term", "terms")) } else { String::new() };
            let notes: String = notes.iter().map(|note| format!("; {}", Shown(note))).collect();
            Some(format!("{:<9} {} {}{terms}{notes}", stage.name(), name(path), words::duration(*millis)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{FailureKind, Format, RunOutcome, SectionKind, StageTotals, Summary};

    fn shown(verbosity: Verbosity) -> String {
        let path = SourcePath::from_text("shelf/book.pdf");
        let (stage, document) = (Phase::from(Stage::Parse), "0123456789ab".to_owned());
        let events = [
            Event::StageStarted { stage, total: 2, skipped: 5, failed: 0 },
            Event::DocumentDone {
                stage,
                document: document.clone(),
                path: path.clone(),
                terms: 0,
                flagged: 0,
                millis: 12,
                notes: vec!["page 3 holds no text".into()],
            },
            Event::DocumentFailed {
                stage,
                document,
                path,
                kind: FailureKind::Encrypted,
                message: "the file needs a password".into(),
                attempt: 1,
            },
            Event::DocumentProgress {
                stage,
                document: "0123456789ac".to_owned(),
                path: SourcePath::from_text("shelf/refman.pdf"),
                section: SectionKind::Page,
                done: 1200,
                total: 5000,
            },
            Event::StageFinished { totals: StageTotals { stage, done: 1, skipped: 5, failed: 1, millis: 61_000 } },
            Event::RunFinished {
                summary: Summary {
                    stop: None,
                    asked: None,
                    model_changes: Vec::new(),
                    outcome: RunOutcome::Partial,
                    documents: 7,
                    succeeded: 1,
                    skipped: 5,
                    failed: 1,
                    waiting: 0,
                    partial: 1,
                    ignored: 2,
                    formats: vec![Format::Pdf, Format::Docx],
                    ignored_formats: [("md".to_owned(), 1)].into(),
                    terms: 1234,
                    flagged: 0,
                    best_terms: vec!["Saltbinder".into(), "tollbell".into()],
                    stages: vec![StageTotals { stage, done: 1, skipped: 5, failed: 1, millis: 61_000 }],
                    commits: 3,
                    millis: 61_500,
                },
            },
        ];
        let mut out = Vec::new();
        let mut lines = Lines::new(verbosity, &mut out);
        let mut ending = Ending::new("out".into(), || None);
        for event in &events {
            ending.note(event);
            lines.show(event, &ending);
        }
        paint::coded(&String::from_utf8(out).unwrap(), false)
    }

    #[test]
    fn normal() {
        insta::assert_snapshot!(shown(Verbosity::Normal));
    }

    #[test]
    fn verbose() {
        insta::assert_snapshot!(shown(Verbosity::Verbose));
    }

    #[test]
    fn quiet_still_shows_failures_and_the_summary() {
        insta::assert_snapshot!(shown(Verbosity::Quiet));
    }
}
