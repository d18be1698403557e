//! corpora as a library: a run in the process of whoever calls it.

use corpora::engine::{Cancel, RunConfig, run};
use corpora::pipelines;
use corpora::stages::discover::Inputs;
use corpora::values::{Event, RunOutcome};

use crate::support::Shelf;

#[test]
fn a_run_in_this_process_writes_what_the_program_writes() {
    let shelf = Shelf::of(4);
    shelf.put("broken.pdf", b"%PDF-1.7\nand no more\n");
    let inputs = Inputs::resolve(shelf.path(), &["books".into()]).unwrap();
    let pipeline = pipelines::find("vocabulary").unwrap();
    let config =
        RunConfig { workers: 2, ..RunConfig::new(inputs, shelf.path().join("here"), pipeline, || 1_700_000_000_000) };
    let (events, received) = crossbeam_channel::unbounded();
    let finished = run(&config, &Cancel::default(), &events).unwrap();
    drop(events);
    assert_eq!((finished.summary.outcome, finished.summary.succeeded), (RunOutcome::Partial, 4));
    assert_eq!(received.iter().filter(|event| matches!(event, Event::DocumentFailed { .. })).count(), 1);
    shelf.batch(&[]).exits(75);
    assert_eq!(shelf.vocabularies_in("here"), shelf.vocabularies());
}
