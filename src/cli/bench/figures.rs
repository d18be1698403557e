//! The figures of a comparison and what they say: pure.

use serde::Serialize;

/// Figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Documents that came through.
    pub(super) documents: u64,
    /// Seconds by the clock.
    pub(super) seconds: f64,
    /// Processor seconds.
    pub(super) processor_seconds: f64,
    /// Most memory resident at once, in bytes.
    pub(super) memory: u64,
    /// Requests that were sent.
    pub(super) requests: u64,
    /// Requests that the provider's limits refused.
    pub(super) refused: u64,
    /// Prompt tokens of all answers.
    pub(super) input_tokens: u64,
    /// Output tokens of all answers.
    pub(super) output_tokens: u64,
    /// Dollars; null if the model's price is not known.
    pub(super) dollars: Option<f64>,
    /// The least time that the limits leave for what was asked, over the time that it took; null where they leave all at once.
    pub(super) limit_efficiency: Option<f64>,
}

/// The runs of one mode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Mode {
    /// Its word.
    pub(super) mode: &'static str,
    /// Each figure's median over the rounds.
    pub(super) median: Figures,
    /// Every round.
    pub(super) rounds: Vec<Figures>,
}

/// Limits in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct PerMinute {
    pub(super) requests: Option<f64>,
    pub(super) input: Option<f64>,
    pub(super) output: Option<f64>,
    pub(super) tokens: Option<f64>,
}

impl PerMinute {
    /// The least seconds in which so much can be asked: no order of requests is quicker.
    pub(super) fn least_seconds(&self, requests: u64, input: u64, output: u64) -> Option<f64> {
        let demands =
            [(requests, self.requests), (input, self.input), (output, self.output), (input + output, self.tokens)];
        demands.into_iter().filter_map(|(demand, rate)| Some(demand as f64 / rate? * 60.0)).max_by(f64::total_cmp)
    }

    /// Limits of a clock that goes so many times faster.
    pub(super) fn times(self, factor: f64) -> Self {
        let of = |rate: Option<f64>| rate.map(|rate| rate * factor);
        Self { requests: of(self.requests), input: of(self.input), output: of(self.output), tokens: of(self.tokens) }
    }
}

impl Mode {
    /// From its rounds, of which there is one at least.
    pub(super) fn new(mode: &'static str, rounds: Vec<Figures>) -> Self {
        let floats = |of: &dyn Fn(&Figures) -> f64| median(rounds.iter().map(of).collect());
        let counts =
            |of: &dyn Fn(&Figures) -> u64| median(rounds.iter().map(|f| of(f) as f64).collect()).round() as u64;
        let known =
            |of: &dyn Fn(&Figures) -> Option<f64>| rounds.iter().map(of).collect::<Option<Vec<f64>>>().map(median);
        let median = Figures {
            documents: counts(&|f| f.documents),
            seconds: floats(&|f| f.seconds),
            processor_seconds: floats(&|f| f.processor_seconds),
            memory: counts(&|f| f.memory),
            requests: counts(&|f| f.requests),
            refused: counts(&|f| f.refused),
            input_tokens: counts(&|f| f.input_tokens),
            output_tokens: counts(&|f| f.output_tokens),
            dollars: known(&|f| f.dollars),
            limit_efficiency: known(&|f| f.limit_efficiency),
        };
        Self { mode, median, rounds }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len() % 2, values.len() / 2) {
        (_, 0) => values.first().copied().unwrap_or(0.0),
        (1, middle) => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Figures nearer to each other than this are the same: a machine is never quite quiet.
const SAME: f64 = 1.1;

/// Advice on the mode to use for these documents, in one sentence. The time of batches is the provider's own and no
/// mode is preferred for it.
pub(super) fn verdict(modes: &[Mode]) -> String {
    let (batch, live): (Vec<&Mode>, Vec<&Mode>) = modes.iter().partition(|mode| mode.mode == "batch");
    let Some(fastest) = live.iter().min_by(|a, b| a.median.seconds.total_cmp(&b.median.seconds)) else {
        return "only provider batches were measured; name others with --modes".into();
    };
    let dollars = |mode: &Mode| mode.median.dollars.filter(|dollars| *dollars > 0.0);
    let slower = |mode: &Mode| mode.median.seconds / fastest.median.seconds;
    let dearer = |mode: &Mode| dollars(mode).zip(dollars(fastest)).map_or(1.0, |(this, that)| this / that);
    let sentence = match live.as_slice() {
        [only] => format!("only {} was measured live", only.mode),
        _ if live.iter().all(|mode| slower(mode) < SAME && (1.0 / SAME..SAME).contains(&dearer(mode))) => {
            let best = live.iter().find(|mode| mode.mode == "staged").unwrap_or(fastest).mode;
            format!(
                "for these documents the modes take the same time and money; use {best}, which repeats least after a crash"
            )
        }
        _ => {
            let others = live.iter().filter(|mode| mode.mode != fastest.mode);
            let of = |mode: &&Mode| {
                let cost = match dearer(mode) {
                    same if (1.0 / SAME..SAME).contains(&same) => "costs the same".to_owned(),
                    times => format!("costs {times:.1} times as much"),
                };
                format!("{} takes {:.1} times as long and {cost}", mode.mode, slower(mode))
            };
            format!("for these documents use {}: {}", fastest.mode, others.map(of).collect::<Vec<_>>().join(", "))
        }
    };
    match batch.first().map(|mode| 1.0 / dearer(mode)).filter(|times| *times >= SAME) {
        Some(times) => format!(
            "{sentence}; provider batches cost {times:.1} times less than {}, for whom can wait as long as the provider takes",
            fastest.mode
        ),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(seconds: f64, dollars: f64) -> Figures {
        Figures {
            documents: 10,
            seconds,
            processor_seconds: 1.0,
            memory: 1,
            requests: 60,
            refused: 0,
            input_tokens: 600,
            output_tokens: 60,
            dollars: Some(dollars),
            limit_efficiency: None,
        }
    }

    #[test]
    fn the_least_time_is_that_of_the_tightest_limit() {
        let limits = PerMinute { requests: Some(60.0), input: Some(100.0), output: None, tokens: Some(1e9) };
        assert_eq!(limits.least_seconds(60, 600, 60), Some(360.0));
        assert_eq!(limits.times(6.0).least_seconds(60, 600, 60), Some(60.0));
        let none = PerMinute { requests: None, input: None, output: None, tokens: None };
        assert_eq!(none.least_seconds(60, 600, 60), None);
    }

    #[test]
    fn a_median_is_of_each_figure() {
        let mode = Mode::new("staged", vec![figures(3.0, 1.0), figures(1.0, 9.0), figures(2.0, 2.0)]);
        assert_eq!((mode.median.seconds, mode.median.dollars), (2.0, Some(2.0)));
        assert_eq!(Mode::new("staged", vec![figures(1.0, 1.0), figures(3.0, 1.0)]).median.seconds, 2.0);
    }

    #[test]
    fn the_verdict_names_what_is_quicker_and_what_is_cheaper() {
        let mode = |name, seconds, dollars| Mode::new(name, vec![figures(seconds, dollars)]);
        let same = verdict(&[mode("staged", 10.5, 1.0), mode("per-document", 10.0, 1.0)]);
        assert!(same.contains("the same time and money; use staged"), "{same}");
        let quick = verdict(&[mode("staged", 10.0, 1.0), mode("per-document", 123.0, 2.0)]);
        let expected =
            "for these documents use staged: per-document takes 12.3 times as long and costs 2.0 times as much";
        assert_eq!(quick, expected);
        let slow = verdict(&[mode("staged", 10.0, 1.0), mode("per-document", 86.0, 1.0)]);
        assert!(slow.ends_with("takes 8.6 times as long and costs the same"), "{slow}");
        // A batch that was simulated to be done at once is not for that the quickest.
        let cheap = verdict(&[mode("staged", 10.0, 1.0), mode("batch", 1.0, 0.5)]);
        assert!(
            cheap.contains("only staged was measured live; provider batches cost 2.0 times less than staged"),
            "{cheap}"
        );
    }
}
