//! One bar for each stage, on a terminal.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::document_line;
use super::reporter::Verbosity;
use super::summary;
use crate::cli::screen;
use crate::values::{Event, Phase, SourcePath, Stage};

/// Redraws a second: fast enough to look alive, too slow to be felt.
const REDRAWS: u8 = 10;

/// Shows a run as bars; lines of text go above them.
pub(super) struct Bars {
    verbosity: Verbosity,
    all: MultiProgress,
    bars: Vec<StageBar>,
}

struct StageBar {
    bar: ProgressBar,
    started: Option<Instant>,
    done: u64,
    failed: u64,
    total: u64,
    redrawn: Instant,
    /// Count of what a provider was asked, for `extract`.
    asked: String,
    /// A document that takes long, and how far it is.
    long: Option<(SourcePath, String)>,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants that tests draw").progress_chars("━╸ ")
}

impl Bars {
    pub(super) fn new(verbosity: Verbosity) -> Self {
        Self::on(verbosity, ProgressDrawTarget::stderr_with_hz(REDRAWS))
    }

    fn on(verbosity: Verbosity, target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let bars = Phase::all()
            .map(|stage| {
                let bar = all.add(ProgressBar::new(0));
                bar.set_style(style("{prefix:<9} {msg}"));
                bar.set_prefix(stage.name());
                bar.set_message("waiting");
                StageBar {
                    bar,
                    started: None,
                    done: 0,
                    failed: 0,
                    total: 0,
                    redrawn: Instant::now(),
                    asked: String::new(),
                    long: None,
                }
            })
            .collect();
        Self { verbosity, all, bars }
    }

    pub(super) fn show(&mut self, event: &Event) {
        if let Some(line) = document_line(event, self.verbosity) {
            // Without a terminal nothing is drawn; what has to be said is.
            let _ = if self.all.is_hidden() { writeln!(screen::err(), "{line}") } else { self.all.println(line) };
        }
        match event {
            Event::StageStarted { stage, total, skipped, failed } => {
                let slot = &mut self.bars[stage.index()];
                slot.started = Some(Instant::now());
                slot.total = *total;
                let before = match (*skipped, *failed) {
                    (0, 0) => String::new(),
                    (skipped, 0) => format!(" ({} done before)", summary::grouped(skipped)),
                    (skipped, failed) => {
                        format!(" ({} done before, {failed} failed before)", summary::grouped(skipped))
                    }
                };
                slot.bar.set_prefix(stage.name());
                slot.bar.set_message(before);
                slot.bar.set_length(*total);
                if *stage != Phase::Discover {
                    slot.bar.set_style(style("{prefix:<9} {bar:30} {pos}/{len}{msg}"));
                }
            }
            Event::Discovered { documents, bytes_hashed } => {
                let slot = &mut self.bars[Phase::Discover.index()];
                let hashed =
                    if *bytes_hashed > 0 { format!(", {} MB read", bytes_hashed / 1_000_000) } else { String::new() };
                slot.bar.set_message(format!("{} documents{hashed}", summary::grouped(*documents)));
            }
            Event::Asking { in_flight, units_left, millis_left, asked } => {
                let slot = &mut self.bars[Phase::Stage(Stage::Extract).index()];
                slot.asked =
                    format!("; {}, {}", summary::asked(asked), summary::left(*in_flight, *units_left, *millis_left));
                slot.count(0, 0);
            }
            Event::Batching { batches, requests, done, asked } => {
                let slot = &mut self.bars[Phase::Stage(Stage::Extract).index()];
                slot.asked = format!("; {}{}", summary::batching(*batches, *requests, *done), summary::asked(asked));
                slot.count(0, 0);
            }
            Event::DocumentProgress { stage, path, .. } => {
                let slot = &mut self.bars[stage.index()];
                slot.long = summary::position(event).map(|at| (path.clone(), at));
                slot.count(0, 0);
            }
            Event::DocumentDone { stage, path, .. } => self.bars[stage.index()].ended(path, 1, 0),
            Event::DocumentFailed { stage, path, .. } => self.bars[stage.index()].ended(path, 0, 1),
            Event::StageFinished { totals } => {
                let slot = &mut self.bars[totals.stage.index()];
                if totals.stage == Phase::Discover {
                    let message = slot.bar.message();
                    slot.bar.finish_with_message(format!("{message} in {}", summary::duration(totals.millis)));
                } else {
                    let failed = if totals.failed > 0 { format!(", {} failed", totals.failed) } else { String::new() };
                    let before = if totals.skipped > 0 {
                        format!(", {} done before", summary::grouped(totals.skipped))
                    } else {
                        String::new()
                    };
                    slot.bar.set_style(style("{prefix:<9} {msg}"));
                    slot.bar.finish_with_message(format!(
                        "{} done{before}{failed} in {}",
                        summary::grouped(totals.done),
                        summary::duration(totals.millis)
                    ));
                }
            }
            Event::Stopping => {
                let _ = self.all.println("stopping: finishing what is in flight; Ctrl-C again stops at once");
            }
            Event::RunFinished { summary } => {
                for slot in &self.bars {
                    if slot.started.is_none() {
                        slot.bar.finish_and_clear();
                    } else if !slot.bar.is_finished() {
                        slot.bar.abandon();
                    }
                }
                // Below the bars, which are at rest now.
                let _ = screen::err().write_all(summary::text(summary).as_bytes());
            }
            _ => {}
        }
    }
}

impl StageBar {
    fn ended(&mut self, path: &SourcePath, done: u64, failed: u64) {
        if self.long.as_ref().is_some_and(|(long, _)| long == path) {
            self.long = None;
        }
        self.count(done, failed);
    }

    fn count(&mut self, done: u64, failed: u64) {
        self.done += done;
        self.failed += failed;
        if self.redrawn.elapsed() >= Duration::from_millis(1000 / u64::from(REDRAWS)) {
            self.redraw();
        }
    }

    fn redraw(&mut self) {
        self.redrawn = Instant::now();
        let through = self.done + self.failed;
        let seconds = self.started.map_or(0.0, |at| at.elapsed().as_secs_f64());
        let mut message = String::new();
        // Documents wait for answers: how many are through says nothing of those.
        if through > 0 && seconds > 0.5 && self.asked.is_empty() {
            let rate = through as f64 / seconds;
            let left = self.total.saturating_sub(through) as f64 / rate * 1000.0;
            message = format!("  {rate:.0}/s, {} left", summary::duration(left as u64));
        }
        if self.failed > 0 {
            message.push_str(", ");
            message.push_str(&self.failed.to_string());
            message.push_str(" failed");
        }
        message.push_str(&self.asked);
        if let Some((_, at)) = &self.long {
            message.push_str("  ");
            message.push_str(at);
        }
        self.bar.set_message(message);
        self.bar.set_position(through);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Asked, SectionKind, StageTotals};

    #[test]
    fn every_template_draws_and_waiting_stages_show() {
        let screen = indicatif::InMemoryTerm::new(12, 100);
        let mut bars = Bars::on(Verbosity::Normal, ProgressDrawTarget::term_like(Box::new(screen.clone())));
        bars.show(&Event::StageStarted { stage: Phase::Discover, total: 0, skipped: 0, failed: 0 });
        bars.show(&Event::Discovered { documents: 1500, bytes_hashed: 3_000_000 });
        let totals = StageTotals { stage: Phase::Discover, done: 1500, skipped: 0, failed: 0, millis: 90 };
        bars.show(&Event::StageFinished { totals });
        bars.show(&Event::StageStarted { stage: Stage::Parse.into(), total: 1500, skipped: 3, failed: 0 });
        let (document, path) = ("0123456789ab".to_owned(), SourcePath::from_text("deep/refman.pdf"));
        let section = SectionKind::Page;
        let stage = Phase::from(Stage::Parse);
        let long = Event::DocumentProgress {
            stage,
            document: document.clone(),
            path: path.clone(),
            section,
            done: 1200,
            total: 5000,
        };
        bars.bars[stage.index()].redrawn -= Duration::from_secs(1);
        bars.show(&long);
        bars.bars[stage.index()].bar.force_draw();
        assert!(screen.contents().contains("0/1500  refman.pdf page 1,200 of 5,000"), "{}", screen.contents());
        bars.bars[stage.index()].redrawn -= Duration::from_secs(1);
        bars.show(&Event::DocumentDone { stage, document, path, terms: 0, flagged: 0, millis: 9, notes: Vec::new() });
        bars.bars[stage.index()].bar.force_draw();
        let shown = screen.contents();
        assert!(shown.contains("discover  1,500 documents, 3 MB read in 90 ms"), "{shown}");
        assert!(shown.contains("1/1500") && !shown.contains("refman"), "{shown}");
        assert!(shown.contains("extract   waiting"), "{shown}");
        bars.show(&Event::Warning { message: "results go away".into() });
        let told = Event::Batching { batches: 1, requests: 40, done: Some(7), asked: Asked::default() };
        bars.show(&Event::StageStarted { stage: Stage::Extract.into(), total: 3, skipped: 0, failed: 0 });
        bars.show(&told);
        bars.bars[Phase::Stage(Stage::Extract).index()].redraw();
        bars.bars[Phase::Stage(Stage::Extract).index()].bar.force_draw();
        let drawn = screen.contents();
        assert!(drawn.contains("warning   results go away"), "{drawn}");
        assert!(drawn.contains("1 batch, 7 of 40 requests done; 0 answers") && !drawn.contains("in flight"), "{drawn}");
    }
}
