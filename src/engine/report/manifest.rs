//! `.corpora-manifest.json`: what came of each file, for programs that do not want to open the store.

use std::io::Write;

use serde_json::json;

use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::store::{self, OutcomeRow, Reader};
use crate::values::{Summary, canonical_json};

/// Its name, in the output folder.
pub const MANIFEST: &str = ".corpora-manifest.json";

/// Documents read from the store at a time.
const PAGE: usize = 256;

/// Replaces the manifest, streaming it from the store.
pub(in crate::engine) fn write(run: &Run<'_>, summary: &Summary) -> Result<(), RunError> {
    let path = run.places.output.join(MANIFEST);
    let reader = run.store.reader()?;
    let mut trouble = None;
    let written = store::replace_file(&**run.store.disk(), &path, |to| {
        let at = jiff::Timestamp::from_millisecond((run.now_ms)()).unwrap_or_default();
        let head = json!({
            "manifest_version": 1, "corpora_version": env!("CARGO_PKG_VERSION"), "written_at": format!("{at:.0}"),
            "pipeline": run.pipeline.name, "provider": run.pipeline.provider.name, "model": run.pipeline.provider.model,
            "summary": summary,
        });
        let head = canonical_json(&head);
        write!(to, "{},\n\"documents\": [", head.strip_suffix('}').unwrap_or(&head))?;
        match write_documents(run, &reader, to) {
            Ok(()) => {}
            Err(RunError::Io { source, .. }) => return Err(source),
            Err(other) => {
                trouble = Some(other);
                return Err(std::io::Error::other("the store cannot be read"));
            }
        }
        to.write_all(b"\n]}\n")
    });
    match (trouble, written) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(RunError::Io { action: "write", file: path, source }),
        (None, Ok(())) => Ok(()),
    }
}

fn write_documents(run: &Run<'_>, reader: &Reader, to: &mut dyn Write) -> Result<(), RunError> {
    let io = |source| RunError::Io { action: "write", file: MANIFEST.into(), source };
    let (mut after, mut first) = (String::new(), true);
    loop {
        let page = reader.outcomes_after(&run.fps, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        last.path.as_str().clone_into(&mut after);
        for OutcomeRow { path, sha, bytes, output, terms, failed, partial } in page {
            let partial = partial.map(|(gap, notes)| json!({"gap": gap, "notes": notes}));
            let state = match (&failed, &output) {
                (Some(_), _) => "failed",
                (None, Some(_)) => "done",
                (None, None) => "waiting",
            };
            let failure =
                failed.map(|(stage, kind, message)| json!({"stage": stage, "kind": kind, "message": message}));
            let line = json!({
                "path": path, "sha256": sha, "bytes": bytes, "state": state, "output": output, "terms": terms,
                "partial": partial, "failure": failure,
            });
            write!(to, "{}\n{}", if first { "" } else { "," }, canonical_json(&line)).map_err(io)?;
            first = false;
        }
    }
}
