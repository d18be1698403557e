//! `extract`: what is asked about a document, the ways to get answers, and what is made of them.

mod admission;
pub(super) mod alone;
mod assemble;
mod backoff;
pub(super) mod batch;
mod claims;
mod contents;
mod embedded;
mod live;
mod money;
pub(super) mod plan;
mod request;
pub(super) mod settle;
pub(super) mod stage;
pub(super) mod thoughts;
pub(super) mod unread;
mod way;
