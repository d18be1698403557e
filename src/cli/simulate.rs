//! `corpora simulate`.

use std::io::Write;
use std::time::Duration;

use super::args::SimulateArgs;
use super::exit::{CommandError, Exit};
use super::screen;
use super::signals;
use crate::engine::Cancel;
use crate::pipelines::explain_toml_error;
use crate::simulator::{Simulator, SimulatorConfig};

/// Starts the simulator, prints its address and waits for a signal.
pub(super) fn run(args: &SimulateArgs) -> Result<Exit, CommandError> {
    let mut config = match &args.behavior {
        Some(path) => {
            let shown = path.display();
            let text = std::fs::read_to_string(path)
                .map_err(|e| CommandError::bad_input(format!("the file '{shown}' cannot be read: {e}")))?;
            toml::from_str::<SimulatorConfig>(&text)
                .map_err(|e| CommandError::bad_input(explain_toml_error(&shown.to_string(), &text, &e)))?
        }
        // A rehearsal of a hundred thousand requests must not fill the memory with its journal.
        None => SimulatorConfig { keep_journal: false, ..SimulatorConfig::default() },
    };
    if let Some(path) = &args.oracle {
        let text = std::fs::read_to_string(path)
            .map_err(|e| CommandError::bad_input(format!("the file '{}' cannot be read: {e}", path.display())))?;
        config.gold = text.lines().map(str::to_owned).collect();
    }
    let limits = &mut config.limits;
    limits.requests = args.limits.rpm.or(limits.requests);
    limits.input = args.limits.itpm.or(limits.input);
    limits.output = args.limits.otpm.or(limits.output);
    limits.tokens = args.limits.tpm.or(limits.tokens);
    config.speed = args.speed.unwrap_or(config.speed);
    config.latency.median_ms = args.latency.unwrap_or(config.latency.median_ms);
    config.journal = args.journal.clone().or(config.journal);
    if !(config.speed > 0.0 && config.speed.is_finite()) {
        return Err(CommandError::bad_input(format!(
            "--speed {} is not a factor; give a positive number",
            config.speed
        )));
    }
    let cancel = Cancel::default();
    signals::listen(cancel.clone(), || {})?;
    let now = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
    let simulator = Simulator::start(config, args.port, now).map_err(|e| {
        CommandError::bad_input(format!("the simulator cannot listen on port {}: {e}; give another --port", args.port))
    })?;
    let mut out = screen::out();
    writeln!(out, "http://{}", simulator.address())?;
    out.flush()?;
    while !cancel.is_stopping() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let counters = serde_json::to_string(&simulator.counters()).unwrap_or_default();
    writeln!(screen::err(), "corpora: simulator stopped; {counters}")?;
    Ok(Exit::Done)
}
