//! Record of the newest run of a folder: what was typed, when it began, how it ended. Whoever comes in the night finds there why a run
//! stopped and what to type.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::error::RunError;
use crate::store::{StoreError, read_note, write_note};
use crate::values::Summary;

/// Version of the record's form.
const VERSION: u32 = 1;

/// Command that a person typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedCommand {
    /// Its words after the program's name, without secrets.
    pub words: Vec<String>,
    /// Folder in which it was typed. In a record it is relative to the output folder: both may be moved together.
    pub folder: PathBuf,
    /// Pipeline file that it names, with the hash of its text.
    pub pipeline_file: Option<(PathBuf, String)>,
    /// True if words were left out because they may be secrets.
    pub lacks_secrets: bool,
}

/// End of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Summary, unless an error broke the run off.
    pub summary: Option<Summary>,
    /// Words of that error.
    pub error: Option<String>,
}

/// Record of the newest run of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    version: u32,
    /// Command; none for a run that no person typed.
    pub command: Option<TypedCommand>,
    /// Process that runs it, or ran it.
    pub process: u32,
    /// Unix time in milliseconds at which it began.
    pub began_ms: i64,
    /// Its end; none while it runs, and for one that was killed.
    pub end: Option<RunEnd>,
}

impl RunRecord {
    /// Begins the record of a run. What cannot be written is no reason not to run.
    pub(in crate::engine) fn begin(output: &Path, command: Option<&TypedCommand>, now_ms: i64) -> Self {
        let command =
            command.map(|command| TypedCommand { folder: relative(&command.folder, output), ..command.clone() });
        let record = Self { version: VERSION, command, process: std::process::id(), began_ms: now_ms, end: None };
        record.write(output);
        record
    }

    /// Ends the record.
    pub(in crate::engine) fn end(mut self, output: &Path, outcome: Result<&Summary, &RunError>, now_ms: i64) {
        let (summary, error) = match outcome {
            Ok(summary) => (Some(summary.clone()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.end = Some(RunEnd { at_ms: now_ms, summary, error });
        self.write(output);
    }

    fn write(&self, output: &Path) {
        if let Ok(text) = serde_json::to_string(self) {
            let _ = write_note(output, &text);
        }
    }

    /// The record of the newest run of a folder; none if there is none, or it cannot be understood.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(output: &Path) -> Result<Option<Self>, StoreError> {
        let Ok(output) = output.canonicalize() else { return Ok(None) };
        let record = read_note(&output)?.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        Ok(record.filter(|record| record.version == VERSION))
    }
}

/// The way from a folder to a place, both absolute.
fn relative(place: &Path, from: &Path) -> PathBuf {
    let (place, from): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (place.components().collect(), from.components().collect());
    let common = place.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| Component::ParentDir);
    up.chain(place[common..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_of_the_machine_stands_in_a_record() {
        let way = |place, from| relative(Path::new(place), Path::new(from)).display().to_string();
        assert_eq!(way("/home/me/shelf", "/home/me/shelf/out"), "..");
        assert_eq!(way("/home/me/shelf", "/mnt/out"), "../../home/me/shelf");
        assert_eq!(way("/mnt/out", "/mnt/out"), "");
    }
}
