//! One bar for each stage, on a terminal.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ending::Ending;
use super::fitted::{self, broken_rows, cut, wrapped};
use super::lines::document_line;
use super::reporter::Verbosity;
use super::terminal::Terminal;
use super::{summary, words};
use crate::cli::{paint, screen};
use crate::values::{Event, Phase, SourcePath, Stage};

/// Redraws a second: fast enough to look alive, too slow to be felt.
const REDRAWS: u8 = 10;

/// Time without events after which bars are drawn anew all the same: time passes, and the terminal may have changed its width.
pub(super) const SILENCE: Duration = Duration::from_millis(500);

/// Columns of a terminal that does not tell them.
const UNKNOWN: usize = 80;

/// Shows a run as bars; lines of text go above them.
pub(super) struct Bars {
    verbosity: Verbosity,
    all: MultiProgress,
    bars: Vec<StageBar>,
    /// True if the terminal shows colours.
    colours: bool,
    /// Columns of the terminal when it was looked at last.
    columns: usize,
    terminal: Option<Terminal<screen::Drawing>>,
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.leave();
    }
}

struct StageBar {
    bar: ProgressBar,
    /// Words beside the bar, with marks of colours, before they are cut.
    words: String,
    /// True while there is a bar before the words.
    has_bar: bool,
    started: Option<Instant>,
    done: u64,
    failed: u64,
    total: u64,
    redrawn: Instant,
    /// Units done and units in all of what a provider is asked, for `extract`.
    units: Option<(u64, u64)>,
    /// What a provider was asked, for `extract`.
    asked: String,
    /// A document that takes long, and how far it is.
    long: Option<(SourcePath, String)>,
}

/// A line of words, which are cut to the terminal before: one that were filled with spaces to the edge, as indicatif's wide elements are, would
/// break when the terminal becomes narrower.
const WORDS: &str = "{prefix:<9} {msg}";

/// Columns before the words: the stage's name.
const NAME: usize = 10;

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants that tests draw").progress_chars("━╸ ")
}

fn bar_columns(columns: usize) -> usize {
    (columns / 5).clamp(8, 30)
}

/// A bar of a fifth of the terminal, and words.
fn bar_style(columns: usize) -> ProgressStyle {
    style(&format!("{{prefix:<9}} {{bar:{}}} {{msg}}", bar_columns(columns)))
}

impl Bars {
    pub(super) fn new(verbosity: Verbosity) -> Self {
        let colours = screen::shows_colours();
        if !screen::is_watched() {
            return Self::on(verbosity, ProgressDrawTarget::hidden(), colours);
        }
        let terminal = Terminal::new(screen::drawing());
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), REDRAWS);
        let mut bars = Self::on(verbosity, target, colours);
        bars.terminal = Some(terminal);
        bars
    }

    fn on(verbosity: Verbosity, target: ProgressDrawTarget, colours: bool) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let bars = Phase::all()
            .map(|stage| {
                let bar = all.add(ProgressBar::new(0));
                bar.set_style(style(WORDS));
                bar.set_prefix(stage.name());
                bar.set_message("waiting");
                StageBar {
                    bar,
                    words: "waiting".to_owned(),
                    has_bar: false,
                    started: None,
                    done: 0,
                    failed: 0,
                    total: 0,
                    redrawn: Instant::now(),
                    units: None,
                    asked: String::new(),
                    long: None,
                }
            })
            .collect();
        Self { verbosity, all, bars, colours, columns: usize::MAX, terminal: None }
    }

    /// Takes note of the terminal's width. One that has become narrower has broken the lines of before into more rows than indicatif knows of, as all
    /// terminals do that keep lines whole: these are erased too.
    fn fit(&mut self, columns: usize) {
        let before = std::mem::replace(&mut self.columns, columns);
        if columns == before {
            return;
        }
        let extra = broken_rows(self.bars.iter().map(|slot| slot.length(before)), columns);
        if before != usize::MAX && extra > 0 {
            self.all.suspend(|| screen::erase_above(extra));
        }
        for slot in &self.bars {
            slot.draw(columns, self.colours);
        }
    }

    /// Takes the bars off the screen, unless they are to stay.
    pub(super) fn clear_unless(&self, stay: bool) {
        if !stay {
            let _ = self.all.clear();
        }
    }

    /// Leaves the bars where they are: what is written next stands below them.
    fn leave(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.end_line();
        }
    }

    /// Puts a line above the bars.
    fn say(&self, line: &str, ending: &Ending) {
        // Without a terminal nothing is drawn; what has to be said is.
        let _ = if self.all.is_hidden() {
            writeln!(screen::err(), "{line}")
        } else {
            self.all.println(paint::coded(&wrapped(line, (ending.columns)(), 10), self.colours))
        };
    }

    /// Draws what is at work anew though nothing was heard of it: what is left takes longer than it seemed.
    pub(super) fn pass_time(&mut self, ending: &Ending) {
        self.fit((ending.columns)().unwrap_or(UNKNOWN));
        for slot in &mut self.bars {
            if slot.has_bar && !slot.bar.is_finished() {
                slot.redraw(self.columns);
            }
        }
    }

    pub(super) fn show(&mut self, event: &Event, ending: &Ending) {
        self.fit((ending.columns)().unwrap_or(UNKNOWN));
        let (columns, colours) = (self.columns, self.colours);
        if let Some(line) = document_line(event, self.verbosity, (ending.columns)()) {
            self.say(&line, ending);
        }
        match event {
            Event::StageStarted { stage, total, skipped, failed } => {
                let slot = &mut self.bars[stage.index()];
                slot.started = Some(Instant::now());
                slot.total = *total;
                let before: Vec<String> = [(*skipped, "done before"), (*failed, "failed before")]
                    .into_iter()
                    .filter(|(n, _)| *n > 0)
                    .map(|(n, what)| format!("{} {what}", words::grouped(n)))
                    .collect();
                slot.bar.set_prefix(stage.name());
                slot.words = before.join(", ");
                slot.bar.set_length(*total);
                slot.has_bar = *stage != Phase::Discover;
                slot.draw(columns, colours);
            }
            Event::Discovered { documents, bytes_hashed } => {
                let slot = &mut self.bars[Phase::Discover.index()];
                let hashed = match *bytes_hashed {
                    0 => String::new(),
                    bytes => format!(", {} read", words::size(bytes)),
                };
                slot.words = format!("{}{hashed}", words::counted(*documents, "document", "documents"));
                slot.draw(columns, colours);
            }
            Event::Asking { units_left, units_done, .. } => {
                let slot = &mut self.bars[Phase::Stage(Stage::Extract).index()];
                slot.asked = words::asking(event).unwrap_or_default();
                slot.units = Some((*units_done, units_done + units_left)).filter(|(_, all)| *all > 0);
                slot.count(0, 0, columns);
            }
            Event::Batching { batches, requests, done, asked } => {
                let slot = &mut self.bars[Phase::Stage(Stage::Extract).index()];
                slot.asked = format!("{}{}", words::batching(*batches, *requests, *done), words::asked(asked));
                slot.count(0, 0, columns);
            }
            Event::DocumentProgress { stage, path, .. } => {
                let slot = &mut self.bars[stage.index()];
                slot.long = words::position(event).map(|at| (path.clone(), at));
                slot.count(0, 0, columns);
            }
            Event::DocumentDone { stage, path, .. } => self.bars[stage.index()].ended(path, 1, 0, columns),
            Event::DocumentFailed { stage, path, .. } => self.bars[stage.index()].ended(path, 0, 1, columns),
            Event::StageFinished { totals } => {
                let slot = &mut self.bars[totals.stage.index()];
                if totals.stage == Phase::Discover {
                    slot.words = format!("{} in {}", slot.words, words::duration(totals.millis));
                } else {
                    let failed = match totals.failed {
                        0 => String::new(),
                        n => format!(", {}", paint::red(format!("{n} failed"))),
                    };
                    let before = match totals.skipped {
                        0 => String::new(),
                        n => format!(", {} done before", words::grouped(n)),
                    };
                    slot.has_bar = false;
                    let (done, time) = (words::grouped(totals.done), words::duration(totals.millis));
                    slot.words = format!("{done} done{before}{failed} in {time}");
                }
                slot.draw(columns, colours);
                slot.bar.finish();
            }
            Event::Stopping => {
                self.say(&paint::yellow("stopping: finishing what is in flight; Ctrl-C again stops at once"), ending);
            }
            Event::RunFinished { summary } => {
                for slot in &self.bars {
                    if slot.started.is_none() {
                        slot.bar.finish_and_clear();
                    } else if !slot.bar.is_finished() {
                        slot.bar.abandon();
                    }
                }
                self.leave();
                // Below the bars, which are at rest now.
                let _ = screen::err().write_all(summary::text(summary, ending).as_bytes());
            }
            _ => {}
        }
    }
}

impl StageBar {
    /// Columns that the line took on a terminal of so many.
    fn length(&self, columns: usize) -> usize {
        let bar = if self.has_bar { bar_columns(columns) + 1 } else { 0 };
        (NAME + bar + fitted::columns(&self.words)).min(columns)
    }

    /// Draws the line, cut to the terminal.
    fn draw(&self, columns: usize, colours: bool) {
        let (style, bar) = match self.has_bar {
            true => (bar_style(columns), bar_columns(columns) + 1),
            false => (style(WORDS), 0),
        };
        self.bar.set_style(style);
        self.bar.set_message(paint::coded(&cut(&self.words, columns.saturating_sub(NAME + bar)), colours));
    }

    fn ended(&mut self, path: &SourcePath, done: u64, failed: u64, columns: usize) {
        if self.long.as_ref().is_some_and(|(long, _)| long == path) {
            self.long = None;
        }
        self.count(done, failed, columns);
    }

    fn count(&mut self, done: u64, failed: u64, columns: usize) {
        self.done += done;
        self.failed += failed;
        if self.redrawn.elapsed() >= Duration::from_millis(1000 / u64::from(REDRAWS)) {
            self.redraw(columns);
        }
    }

    fn redraw(&mut self, columns: usize) {
        self.redrawn = Instant::now();
        let through = self.done + self.failed;
        let seconds = self.started.map_or(0.0, |at| at.elapsed().as_secs_f64());
        let documents = format!("{}/{}", words::grouped(through), words::grouped(self.total));
        let mut message = vec![documents];
        if self.failed > 0 {
            message.push(format!("{} failed", words::grouped(self.failed)));
        }
        if !self.asked.is_empty() {
            // Documents wait for answers: how many are through says nothing of those.
            message.push(self.asked.clone());
        } else if through > 0 && through < self.total && seconds > 0.5 {
            let rate = through as f64 / seconds;
            let left = (self.total - through) as f64 / rate * 1000.0;
            message.push(format!("{rate:.0}/s, {} left", words::duration(left as u64)));
        }
        message.extend(self.long.as_ref().map(|(_, at)| at.clone()));
        self.words = message.join(", ");
        // What is counted has no colours.
        self.draw(columns, false);
        let (done, all) = self.units.unwrap_or((through, self.total));
        self.bar.set_length(all);
        self.bar.set_position(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Asked, FailureKind, SectionKind, StageTotals};

    /// Bars on a terminal of so many columns, with what is on it after each event.
    struct Drawn {
        screen: indicatif::InMemoryTerm,
        bars: Bars,
        ending: Ending,
    }

    impl Drawn {
        fn new(columns: u16, colours: bool) -> Self {
            let screen = indicatif::InMemoryTerm::new(16, columns);
            let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
            let ending = Ending::new(
                "out".into(),
                match columns {
                    60 => || Some(60),
                    80 => || Some(80),
                    120 => || Some(120),
                    _ => || Some(100),
                },
            );
            Self { screen, bars: Bars::on(Verbosity::Normal, target, colours), ending }
        }

        fn after(&mut self, event: &Event) -> String {
            for slot in &mut self.bars.bars {
                slot.redrawn -= Duration::from_secs(1);
            }
            self.bars.show(event, &self.ending);
            for slot in &self.bars.bars {
                slot.bar.force_draw();
            }
            self.screen.contents()
        }
    }

    fn started(stage: Phase, total: u64) -> Event {
        Event::StageStarted { stage, total, skipped: 0, failed: 0 }
    }

    fn long(stage: Phase) -> Event {
        let (document, path) = ("0123456789ab".to_owned(), SourcePath::from_text("deep/refman.pdf"));
        Event::DocumentProgress { stage, document, path, section: SectionKind::Page, done: 1200, total: 5000 }
    }

    #[test]
    fn what_is_left_takes_longer_while_nothing_comes_through() {
        let mut drawn = Drawn::new(100, false);
        let stage = Phase::from(Stage::Parse);
        drawn.after(&started(stage, 20));
        let mut left_after = |seconds| {
            let slot = &mut drawn.bars.bars[stage.index()];
            (slot.done, slot.started) = (10, Some(Instant::now() - Duration::from_secs(seconds)));
            drawn.bars.pass_time(&drawn.ending);
            drawn.bars.bars[stage.index()].bar.force_draw();
            drawn.screen.contents()
        };
        assert!(left_after(2).contains("10/20, 5/s, 2.0 s left"));
        assert!(left_after(20).contains("10/20, 0/s, 20.0 s left"));
    }

    #[test]
    fn every_template_draws_and_waiting_stages_show() {
        let mut drawn = Drawn::new(100, false);
        drawn.after(&started(Phase::Discover, 0));
        drawn.after(&Event::Discovered { documents: 1500, bytes_hashed: 3_000_000 });
        let totals = StageTotals { stage: Phase::Discover, done: 1500, skipped: 0, failed: 0, millis: 90 };
        let shown = drawn.after(&Event::StageFinished { totals });
        assert!(shown.contains("discover  1,500 documents, 3.0 MB read in 90 ms"), "{shown}");
        let stage = Phase::from(Stage::Parse);
        drawn.after(&started(stage, 1500));
        let shown = drawn.after(&long(stage));
        assert!(shown.contains("0/1,500, refman.pdf page 1,200 of 5,000"), "{shown}");
        let (document, path) = ("0123456789ab".to_owned(), SourcePath::from_text("deep/refman.pdf"));
        let done = Event::DocumentDone { stage, document, path, terms: 0, flagged: 0, millis: 9, notes: Vec::new() };
        let shown = drawn.after(&done);
        assert!(shown.contains("1/1,500") && !shown.contains("refman"), "{shown}");
        assert!(shown.contains("extract   waiting"), "{shown}");
        let shown = drawn.after(&Event::Warning { message: "results go away".into() });
        assert!(shown.contains("warning   results go away"), "{shown}");
        drawn.after(&started(Stage::Extract.into(), 3));
        let shown = drawn.after(&Event::Batching { batches: 1, requests: 40, done: Some(7), asked: Asked::default() });
        assert!(shown.contains("1 provider batch, 7 of 40 requests done; 0 answers"), "{shown}");
        assert!(!shown.contains("in flight"), "{shown}");
    }

    #[test]
    fn no_line_is_broken_on_a_narrow_screen_nor_on_a_wide_one() {
        let stage = Phase::from(Stage::Parse);
        for (columns, colours) in [(60, false), (60, true), (80, false), (80, true), (120, false), (120, true)] {
            let mut drawn = Drawn::new(columns, colours);
            drawn.after(&started(stage, 1500));
            drawn.after(&started(Stage::Extract.into(), 15));
            let path = SourcePath::from_text(format!("{}/volume-7.pdf", "a-shelf-of-books/".repeat(12)));
            let failed = Event::DocumentFailed {
                stage,
                document: "0123456789ab".to_owned(),
                path,
                kind: FailureKind::Damaged,
                message: "its archive is damaged or cut short; fetch or copy it again".into(),
                attempt: 1,
            };
            drawn.after(&failed);
            drawn.after(&long(stage));
            let asked = Asked { answers: 12_345, picodollars: Some(1_000_000_000_000), ..Asked::default() };
            let shown = drawn.after(&Event::Asking {
                in_flight: 64,
                units_left: 123_456,
                units_done: 23_456,
                millis_left: Some(7_260_000),
                tokens_a_second: 12_345,
                tokens_coming: 54_321,
                picodollars_at_end: Some(7_000_000_000_000),
                asked,
            });
            let lines: Vec<&str> = shown.lines().collect();
            for name in ["discover", "parse", "chunk", "extract", "write"] {
                let at = lines.iter().filter(|line| line.starts_with(name)).count();
                assert_eq!(at, 1, "{columns} columns, {name}:\n{shown}");
            }
            let bars = lines.iter().position(|line| line.starts_with("discover")).unwrap();
            assert_eq!(lines.len() - bars, 5, "a bar takes a line, on {columns} columns:\n{shown}");
            assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{shown}");
            // Above the bars, words stay whole.
            for word in ["volume-7.pdf", "Damaged]:", "damaged", "again"] {
                assert!(lines[..bars].iter().any(|line| line.contains(word)), "{columns} columns, {word}:\n{shown}");
            }
            assert!(shown.contains("15 % of 146,912 units"), "{shown}");
        }
    }
}
