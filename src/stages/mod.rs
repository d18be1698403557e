//! Layer 1: what each stage computes. Synchronous, no store, no terminal.

pub mod chunk;
pub mod consolidate;
pub mod discover;
pub mod extract;
pub mod parse;
pub mod pipeline;
pub mod write;
