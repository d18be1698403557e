//! corpora turns a folder of PDF and EPUB files into vocabulary JSON, in durable stages.
//!
//! The library is layered (see `ARCHITECTURE.md`): [`values`] knows nothing but data, [`stages`] and
//! [`store`] compute and keep, [`remote`] asks providers, [`engine`] runs stages over a store, [`pipelines`] and [`cli`] are the edge.
//! Nothing below the edge prints, reads the environment or exits.

pub mod cli;
pub mod engine;
pub mod pipelines;
pub mod remote;
mod settings;
pub mod simulator;
pub mod stages;
pub mod store;
pub mod values;
