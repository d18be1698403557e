//! Layer 1: text to chunks, and terms and definitions without a model.

pub mod chunk;
pub mod local;
