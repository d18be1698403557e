//! The stages of a run, what is kept for each of them, and the two ways to go through them.

use std::ops::{Index, IndexMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A stage that checkpoints what it makes, in running order. What each of them does stands in `engine/dataflow.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reads text and structure out of a file.
    Parse,
    /// Cuts the text into chunks.
    Chunk,
    /// Finds items: asks a provider, or the embedded one.
    Extract,
    /// Writes the vocabulary files.
    Write,
}

/// Things that a stage takes one by one, and checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A document: one result, however many files hold it.
    Document,
    /// A file: two files with one content are two vocabulary files.
    File,
}

impl Stage {
    /// All stages in running order: each takes what the one before it made.
    pub const ALL: [Self; 4] = [Self::Parse, Self::Chunk, Self::Extract, Self::Write];

    /// The name used on the command line, in events and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Chunk => "chunk",
            Self::Extract => "extract",
            Self::Write => "write",
        }
    }

    /// Kind of things that it takes one by one. Stages of files come after all stages of documents.
    pub const fn subject(self) -> Subject {
        match self {
            Self::Write => Subject::File,
            _ => Subject::Document,
        }
    }

    /// The stage before it; none before the first.
    pub fn before(self) -> Option<Self> {
        Self::ALL[..self as usize].last().copied()
    }

    /// The stages of documents, in running order.
    pub fn of_documents() -> impl DoubleEndedIterator<Item = Self> {
        Self::ALL.into_iter().filter(|stage| stage.subject() == Subject::Document)
    }
}

/// One value for each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageMap<T>([T; Stage::ALL.len()]);

impl<T> StageMap<T> {
    /// The map whose values `of` gives.
    pub fn from_fn(mut of: impl FnMut(Stage) -> T) -> Self {
        Self(Stage::ALL.map(&mut of))
    }

    /// The map whose values `of` gives, in running order, or its first error.
    ///
    /// # Errors
    /// The first error of `of`.
    pub fn try_from_fn<E>(mut of: impl FnMut(Stage) -> Result<T, E>) -> Result<Self, E> {
        let mut values = Vec::with_capacity(Stage::ALL.len());
        for stage in Stage::ALL {
            values.push(of(stage)?);
        }
        Ok(Self(values.try_into().unwrap_or_else(|_| unreachable!("one value was made for each stage"))))
    }

    /// The stages and their values, in running order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Stage, &T)> {
        Stage::ALL.into_iter().zip(&self.0)
    }
}

impl<T> Index<Stage> for StageMap<T> {
    type Output = T;

    fn index(&self, stage: Stage) -> &T {
        &self.0[stage as usize]
    }
}

impl<T> IndexMut<Stage> for StageMap<T> {
    fn index_mut(&mut self, stage: Stage) -> &mut T {
        &mut self.0[stage as usize]
    }
}

/// A stage's result of one document: a type that knows which stage makes it, so that no result is read as another's.
pub trait Artifact: Serialize + DeserializeOwned {
    /// The stage that makes it.
    const STAGE: Stage;
}

/// Part of a run as people see it: the search for files, then the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Phase {
    /// Finds files and identifies documents by content. It keeps no results: files are looked at in every run.
    Discover,
    /// A stage.
    Stage(Stage),
}

impl Phase {
    /// Number of phases.
    pub const COUNT: usize = 1 + Stage::ALL.len();

    /// All phases in running order.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Discover).chain(Stage::ALL.into_iter().map(Self::Stage))
    }

    /// Place in running order, from 0.
    pub const fn index(self) -> usize {
        match self {
            Self::Discover => 0,
            Self::Stage(stage) => 1 + stage as usize,
        }
    }

    /// The name used in events and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Stage(stage) => stage.name(),
        }
    }
}

impl From<Stage> for Phase {
    fn from(stage: Stage) -> Self {
        Self::Stage(stage)
    }
}

impl PartialEq<Stage> for Phase {
    fn eq(&self, stage: &Stage) -> bool {
        *self == Self::Stage(*stage)
    }
}

impl From<Phase> for &'static str {
    fn from(phase: Phase) -> Self {
        phase.name()
    }
}

impl TryFrom<String> for Phase {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::all().find(|phase| phase.name() == name).ok_or_else(|| format!("'{name}' is not a stage"))
    }
}

/// Way in which documents travel through the stages. Output is byte-identical in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All documents through one stage before the next begins; every stage is checkpointed.
    #[default]
    Staged,
    /// Each worker takes one document through everything and checkpoints it at the end:
    /// the tool that the staged engine is measured against.
    PerDocument,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_its_name_in_json() {
        for phase in Phase::all() {
            let json = serde_json::to_string(&phase).unwrap();
            assert_eq!(json, format!("\"{}\"", phase.name()));
            assert_eq!(serde_json::from_str::<Phase>(&json).unwrap(), phase);
        }
        assert!(serde_json::from_str::<Phase>("\"guess\"").is_err());
        assert!(Phase::all().enumerate().all(|(n, phase)| phase.index() == n));
    }

    #[test]
    fn each_stage_follows_the_one_before_it_and_files_come_last() {
        assert_eq!(Stage::Parse.before(), None);
        assert!(Stage::ALL.windows(2).all(|pair| pair[1].before() == Some(pair[0])));
        let subjects: Vec<bool> = Stage::ALL.iter().map(|s| s.subject() == Subject::File).collect();
        assert!(subjects.is_sorted(), "a stage of documents after one of files would never be fed");
    }
}
