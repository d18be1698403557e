//! Threads that put documents together when the last of their answers is committed.

use crossbeam_channel::Receiver;

use super::board::{Board, Ready};
use super::shared::Live;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::assemble::assemble;
use crate::store::Reader;

/// Takes documents until no more can come. After an error too, so that every document that is ready is counted down.
pub(super) fn serve(live: &Live<'_>, ready: &Receiver<Ready>) {
    let mut reader = None;
    let mut broken = false;
    while let Ok(document) = ready.recv() {
        let assembled = Assembled(&live.board);
        if broken {
            continue;
        }
        let outcome = open(&mut reader, live.run).and_then(|r| assemble(live.run, r, &document.job, document.started));
        drop(assembled);
        if let Err(error) = outcome {
            broken = true;
            live.fail(error);
        }
    }
}

/// Counts a document down when it is dropped, by a panic too.
struct Assembled<'a>(&'a Board);

impl Drop for Assembled<'_> {
    fn drop(&mut self) {
        self.0.assembled();
    }
}

/// The reader of one thread, opened when it is first needed.
fn open<'a>(reader: &'a mut Option<Reader>, run: &Run<'_>) -> Result<&'a Reader, RunError> {
    if reader.is_none() {
        *reader = Some(run.store.reader()?);
    }
    Ok(reader.as_ref().expect("it was opened above"))
}
