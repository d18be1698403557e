//! Layer 1: what each stage computes. Synchronous, no store, no terminal.

pub mod consolidate;
pub mod discover;
pub mod extract;
pub mod model_settings;
pub mod pipeline;
pub mod write;

pub use corpora_parse as parse;
pub use corpora_terms::chunk;
