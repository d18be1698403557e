//! Layer 0: plain data that every other layer speaks. No I/O, no clock, no randomness.

mod canonical;
mod choice;
mod document;
pub mod english;
mod event;
mod extraction;
mod failure;
mod format;
mod key;
mod markup;
mod master;
mod path;
mod shown;
mod stage;
mod stop;
mod usage;
mod vocabulary;
mod vocabulary_file;
mod words;

pub use canonical::{canonical_json, sorted};
pub use choice::Choice;
pub use document::{
    Area, Block, BlockKind, Chunk, Gap, Metadata, OutlineEntry, PageMark, ParsedDocument, Recognition, Section,
    SectionKind, SectionSource, Span,
};
pub use event::{Asked, Event, ModelChange, RunOutcome, StageTotals, Summary};
pub use extraction::{DefinitionKind, DefinitionSource, Evidence, Extraction, Grounding, Item};
pub use failure::{Failure, FailureKind};
pub use format::{Format, Formats};
pub use key::{Fingerprint, KeyWriter};
pub use markup::{CellSpan, Mark, MarkKind, Markup, Part, PartKind, Table};
pub use master::{
    Conflict, ConflictValue, DECISIONS_FILE, MASTER_FILE, MASTER_SCHEMA_VERSION, MadeBy, MasterEntry, MasterMetadata,
    MasterOccurrence, PossibleVariants, REVIEW_FILE, REVIEW_SCHEMA_VERSION, ReviewEntry, ReviewQueue, VARIANTS_FILE,
    VARIANTS_SCHEMA_VERSION, Variant, VariantGroup, VariantTerm, Verdict,
};
pub use path::SourcePath;
pub use shown::{Shown, acts_on_a_screen};
pub use stage::{Artifact, Mode, Phase, Stage, StageMap, Subject};
pub use stop::{Stop, StopReason};
pub use usage::{Cost, Usage};
pub use vocabulary::{DefinitionPlace, Entry, Occurrence, SCHEMA_VERSION, Vocabulary, VocabularyMetadata};
pub use words::{listed, plural, roman};
