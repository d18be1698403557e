//! The `extract` stage with a remote provider: documents are planned into requests, requests pass the one limiter, every
//! response is stored before it is read, and a document is put together when the last of its answers is committed.
//!
//! Four kinds of threads share the work. The planner follows the documents that are chunked and hands requests over through
//! a bounded queue; one thread runs all traffic asynchronously; a reader stores and reads responses, so that neither
//! compression nor the disk holds up the traffic; assemblers make documents of answers. The board between them knows which
//! unit is asked for whom, so that no unit is asked twice however many documents hold it.

mod assembling;
mod board;
mod due;
mod forecast;
mod planner;
mod reading;
mod run;
mod shared;
mod traffic;

pub(in crate::engine) use self::run::extract;
