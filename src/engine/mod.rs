//! Layer 3: runs the stages over a store, in either mode, and can be stopped at any instant. `dataflow` is the place to begin.

mod attempts;
mod best_terms;
mod cancel;
mod checkpoint;
mod chunk;
mod config;
mod context;
mod contexts;
mod dataflow;
pub mod defaults;
mod desk;
mod discover;
mod drive;
mod error;
mod error_log;
mod extract;
mod failpoint;
mod feed;
mod in_flight;
mod keys;
mod large;
mod look;
mod mending;
mod merge;
mod parse;
mod parse_files;
mod parse_here;
mod parser;
mod per_document;
mod plan;
mod provider;
mod report;
mod rerun;
mod run;
mod shard;
mod stage_keys;
mod tally;
mod vocabulary;
mod watchdog;
mod work;
mod worker;
mod write;

pub use self::cancel::Cancel;
pub use self::config::{ParseIn, Rerun, RunConfig};
pub use self::error::RunError;
pub use self::error_log::ERROR_LOG;
pub use self::extract::batch::expiry::{expiry_warning, expiry_warnings};
pub use self::extract::plan::{ExtractPlan, RemotePlan};
pub use self::extract::settle::{Reading, read as read_response};
#[cfg(feature = "failpoints")]
pub use self::failpoint::crash_at;
pub use self::look::{
    Book, BookCard, Bucket, Chapter, Facet, Facets, Look, LookError, LookSource, LookStep, Order, PageText, PageToDraw,
    Passage, Shelf, Spread, Statement, TermCard, TermPage, TermQuery, TermRow, folder_stamp, write_report,
};
pub use self::merge::{MergeConfig, Merged, merge};
pub use self::parse_files::{FileParser, with_file_parser};
pub use self::plan::{Plan, StagePlan};
pub use self::provider::{Aim, BatchOptions, EndpointKind, Remote};
pub use self::report::manifest::MANIFEST;
pub use self::report::record::{RunEnd, RunRecord, TypedCommand};
pub use self::run::{Finished, run};
pub use self::stage_keys::StageKeys;
pub use self::vocabulary::{
    Agreement, Chain, ChainError, ChainedDocument, Compared, Comparison, ConsolidateConfig, ConsolidateError,
    ConsolidateStep, Consolidated, Desk, Difference, EXPORT_COLUMNS, ExportChoice, ExportError, ExportOrder,
    ExportRows, ExportSource, ExportTable, Flaw, FoundPassage, Link, LinkSums, Master, OCCURRENCE_COLUMNS, Orphan,
    OrphanState, Sought, Way, commonest_language, compare_chain, consolidate, decisions, folder_of_inputs, input_place,
    is_language_tag, orphans, remove_orphans, review_queue, verify, write_chain,
};
pub use self::worker::{
    CLOCK_FACTOR, Confinement, ParseLimits, Strength, confinement, picture_of_page, serve as serve_parse_worker,
};
