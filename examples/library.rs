//! corpora as a library: a run over a folder, in this process, without a key.
//!
//!     cargo run --example library -- samples /tmp/vocab

use std::io::Write;
use std::path::PathBuf;

use corpora::engine::{Cancel, RunConfig, run};
use corpora::stages::discover::Inputs;
use corpora::values::Event;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(books), Some(vocab)) = (given.next(), given.next()) else {
        return Err("give a folder of books and a folder for the results".into());
    };
    let inputs = Inputs::resolve(&std::env::current_dir()?, &[books])?;
    let now_ms = || jiff::Timestamp::now().as_millisecond();
    let glossary = corpora::pipelines::find("glossary")?;
    let config = RunConfig { workers: 2, ..RunConfig::new(inputs, vocab, glossary, now_ms) };
    let (events, received) = crossbeam_channel::unbounded();
    let finished = run(&config, &Cancel::default(), &events)?;
    drop(events);
    let mut out = std::io::stdout();
    for event in received {
        if let Event::DocumentFailed { path, message, .. } = event {
            writeln!(out, "failed: {path}: {message}")?;
        }
    }
    writeln!(out, "{} done, {} terms", finished.summary.succeeded, finished.summary.terms)?;
    Ok(())
}
