//! Choices among a few words.

use super::{Mode, Stage};

/// A choice that a person makes by a word: on the command line, in the environment, in a file.
pub trait Choice: Copy + PartialEq + Send + Sync + 'static {
    /// Every value that can be chosen, with its word and a line about it for help texts.
    const WORDS: &'static [(Self, &'static str, &'static str)];

    /// The value of a word, if it is one.
    fn of_word(text: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, word, _)| *word == text).map(|(value, ..)| *value)
    }

    /// The word of this value; empty for one that cannot be chosen.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, ..)| *value == self).map_or("", |(_, word, _)| word)
    }
}

impl Choice for Mode {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Staged, "staged", "All documents through one stage, then the next"),
        (Self::PerDocument, "per-document", "Each worker takes one document through everything"),
    ];
}

impl Choice for Stage {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Parse, "parse", "Read the text"),
        (Self::Chunk, "chunk", "Cut it into chunks"),
        (Self::Extract, "extract", "Find the items"),
        (Self::Write, "write", "Write the files"),
    ];
}
