//! The bars on a terminal that is resized in mid-run: tmux, which breaks lines anew where its width changes, as most terminals do.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use corpora::simulator::{Latency, SimulatorConfig};

use crate::support::needs::needs_program;
use crate::support::rehearsal::{KEY, Rehearsal};

const STAGES: [&str; 5] = ["discover", "parse", "chunk", "extract", "write"];

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal of its own in which a run goes on.
struct Terminal {
    rehearsal: Rehearsal,
}

impl Terminal {
    /// A run that waits for answers, in so many columns.
    fn of(columns: u16, color: &str) -> Self {
        let latency = Latency { median_ms: 700.0, p99_over_median: 1.1, per_output_token_ms: 0.0 };
        let rehearsal = Rehearsal::of(8, SimulatorConfig { latency, ..SimulatorConfig::default() });
        let name = format!("{}/the-second-volume.pdf", "a-shelf-of-long-names".repeat(4));
        rehearsal.shelf.put(&name, b"%PDF-1.7\nand no more\n");
        let url = format!("http://{}", rehearsal.simulator.address());
        let line = format!(
            "'{}' --color {color} batch books -o out --provider anthropic --model claude-haiku-5-5 --base-url {url} --pipeline ./small.toml --in-flight 1; sleep 600",
            env!("CARGO_BIN_EXE_corpora")
        );
        let terminal = Self { rehearsal };
        terminal.tmux(&["new-session", "-d", "-x", &columns.to_string(), "-y", "40", &line]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let folder = self.rehearsal.shelf.path();
        let mut command = Command::new("tmux");
        command.arg("-S").arg(folder.join("tmux")).args(["-f", "/dev/null"]).args(words).current_dir(folder);
        command.env_remove("TMUX").env_remove("NO_COLOR").env("ANTHROPIC_API_KEY", KEY).env("LC_ALL", "C.UTF-8");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn resize(&self, columns: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "40"]);
    }

    /// What the terminal shows, and what stood there before it was scrolled away.
    fn shown(&self, more: &[&str]) -> String {
        let shown = self.tmux(&[&["capture-pane", "-p", "-S", "-"], more].concat()).stdout;
        let shown = String::from_utf8(shown).unwrap();
        shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// Waits until the screen is whole and `is_reached` holds for it.
    fn until(&self, columns: u16, is_reached: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let shown = self.shown(&[]);
            let faults = faults(&shown, &self.shown(&["-J"]), usize::from(columns));
            if faults.is_empty() && is_reached(&shown) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{columns} columns: {faults:?}\n{shown}");
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = self.rehearsal.shelf.path().join("tmux");
        let _ = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").output();
    }
}

/// What is wrong with a screen. `joined` is the same with the rows of a line that the terminal broke put together. What scrolled by above the
/// bars was written for another width, and is the terminal's to break.
fn faults(shown: &str, joined: &str, columns: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let bars = |text: &str| text.find("discover ").map_or(String::new(), |at| text[at..].to_owned());
    if bars(shown) != bars(joined) {
        faults.push("the terminal has broken a line".to_owned());
    }
    for name in STAGES {
        let lines = shown.lines().filter(|line| line.starts_with(name)).count();
        if lines != 1 {
            faults.push(format!("{lines} lines of {name}"));
        }
    }
    let wide = bars(shown).lines().filter(|line| line.chars().count() > columns).count();
    if wide > 0 {
        faults.push(format!("{wide} lines are too long"));
    }
    faults
}

/// Column in which the words of `extract` begin, behind its bar.
fn words_at(shown: &str) -> Option<usize> {
    shown.lines().find(|line| line.starts_with("extract"))?.chars().position(|c| c.is_ascii_digit())
}

fn resized_in_mid_run(color: &str) {
    let terminal = Terminal::of(120, color);
    for columns in [120, 60, 120, 80, 60] {
        terminal.resize(columns);
        // A bar is a fifth of the terminal.
        let words = 10 + usize::from(columns) / 5 + 1;
        terminal.until(columns, |shown| shown.contains("% of") && words_at(shown) == Some(words));
    }
    let colours = terminal.tmux(&["capture-pane", "-p", "-e", "-S", "-"]).stdout;
    assert_eq!(colours.contains(&b'\x1b'), color == "always", "{color}");
    // The rest of the answers come at once.
    terminal.rehearsal.simulator.reconfigure(SimulatorConfig::default());
    let shown = terminal.until(60, |shown| shown.contains("\n  next "));
    for row in ["  partly done 8 of 9 files", "  failed      1: a-shelf-of-long", "volume.pdf", "  results     in out"]
    {
        assert!(shown.contains(row), "'{row}' is not in\n{shown}");
    }
}

#[test]
fn bars_are_whole_on_every_terminal_however_it_is_resized() {
    if !needs_program("tmux", "-V", "tmux") {
        return;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| resized_in_mid_run("never"));
        resized_in_mid_run("always");
    });
}
