//! Calls about files and batches.

use std::io;
use std::sync::Arc;

use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::config::BatchFault;
use super::kept::Batch;
use super::results::{content_of, results};
use super::{creation, files};
use crate::interfaces::{ALL, Interface, Refusal};
use crate::reply::{Body, Reply, send};
use crate::state::State;

/// Path without the version and Google's place for uploads.
fn inner(path: &str) -> &str {
    path.trim_start_matches("/upload").trim_start_matches("/v1beta").trim_start_matches("/v1")
}

/// Test whether a path is one of files or batches.
pub(crate) fn is_batch_path(path: &str) -> bool {
    let inner = inner(path);
    inner.starts_with("/messages/batches")
        || inner.starts_with("/files")
        || inner.starts_with("/batches")
        || inner.ends_with(":batchGenerateContent")
}

/// A request as far as this module needs it.
pub(crate) struct BatchCall<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) host: String,
    pub(super) header: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub(super) key: Option<String>,
    pub(super) body: Bytes,
    pub(super) interface: &'static dyn Interface,
}

impl<'a> BatchCall<'a> {
    pub(crate) fn new(
        method: &'a str,
        path: &'a str,
        query: &'a str,
        header: &'a (dyn Fn(&str) -> Option<String> + Sync),
        key: Option<String>,
        body: Bytes,
    ) -> Self {
        let interface = ALL.into_iter().find(|i| i.claims_batch(path, query, header)).unwrap_or(ALL[0]);
        Self { method, path, query, host: header("host").unwrap_or_default(), header, key, body, interface }
    }

    /// A field of the query.
    pub(super) fn asked(&self, name: &str) -> Option<&'a str> {
        self.query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }

    /// An error in the vendor's shape.
    pub(super) fn refuse(&self, status: u16, words: &str) -> Reply {
        self.refuse_as(&Refusal::new(status, words))
    }

    /// The same of an error that is one already.
    pub(super) fn refuse_as(&self, refusal: &Refusal) -> Reply {
        Reply::json(refusal.status, &self.interface.error(refusal, 0))
    }
}

/// Answers; an error ends the connection.
pub(crate) async fn answer(state: &Arc<State>, call: BatchCall<'_>) -> io::Result<Response<Body>> {
    let config = state.config();
    if config.batch.absent {
        return Ok(send(call.refuse(404, "no such path"), None));
    }
    // A place for an upload is a secret of its own.
    if !config.key.is_empty() && !call.query.starts_with("upload_id=") && call.key.as_deref() != Some(&config.key) {
        return Ok(send(call.refuse(401, "invalid x-api-key"), None));
    }
    let parts: Vec<&str> = inner(call.path).trim_start_matches('/').split('/').collect();
    let not_found = || call.refuse(404, "batch not found");
    let reply = match (call.method, &parts[..]) {
        ("POST", ["messages", "batches"] | ["batches"] | ["models", _]) => return creation::create(state, &call).await,
        ("POST", ["files"]) if call.path.starts_with("/upload") => files::upload(state, &call),
        ("POST", ["files"]) => files::take_form(state, &call),
        ("GET", ["files", name]) if name.ends_with(":download") => {
            return content_of(state, &call, name.trim_end_matches(":download"));
        }
        ("GET", ["files", id, "content"]) => return content_of(state, &call, id),
        ("GET", ["files"]) => files::list(state, &call),
        ("GET", ["files", id]) => files::about(state, &call, id).await,
        ("DELETE", ["files", id]) => files::delete(state, &call, id),
        ("GET", ["messages", "batches"] | ["batches"]) => {
            list(state, &call).map_or_else(|wrong| call.refuse_as(&wrong), |page| Reply::json(200, &page))
        }
        ("DELETE", ["messages", "batches", id]) => delete(state, &call, id).unwrap_or_else(not_found),
        // The others have no way to take a batch away.
        ("DELETE", ["batches", id]) if call.interface.name() == "gemini" => {
            delete(state, &call, id).unwrap_or_else(not_found)
        }
        ("GET", ["messages", "batches", id, "results"]) => return results(state, &call, id, true),
        ("GET", ["messages", "batches", id] | ["batches", id]) => look(state, &call, id).unwrap_or_else(not_found),
        ("POST", ["messages", "batches", id, "cancel"] | ["batches", id, "cancel"]) => {
            cancel(state, &call, id).unwrap_or_else(not_found)
        }
        ("POST", ["batches", id]) if id.ends_with(":cancel") => {
            let cancelled = cancel(state, &call, id.trim_end_matches(":cancel"));
            cancelled.map_or_else(not_found, |_| Reply::json(200, &json!({})))
        }
        _ => call.refuse(404, "no such path"),
    };
    Ok(send(reply, None))
}

fn look(state: &State, call: &BatchCall<'_>, id: &str) -> Option<Reply> {
    let mut kept = state.batches.kept();
    let batch = kept.batch(call.key.as_deref(), id)?;
    batch.looks += 1;
    batch.late_looks += u32::from(batch.cancelled || state.now_ms() >= batch.ends_ms);
    if batch.looks <= 2 {
        if batch.meets(BatchFault::NotFoundAtFirst) {
            return None;
        }
        if batch.meets(BatchFault::UnavailableAtFirst) {
            return Some(call.refuse(503, "the service is unavailable"));
        }
        if batch.meets(BatchFault::HtmlAtFirst) {
            return Some(Reply::html(200, "Welcome"));
        }
        if batch.meets(BatchFault::EmptyAtFirst) {
            return Some(Reply::empty());
        }
    }
    Some(Reply::json(200, &batch.shown(state)))
}

fn cancel(state: &State, call: &BatchCall<'_>, id: &str) -> Option<Reply> {
    let mut kept = state.batches.kept();
    let batch = kept.batch(call.key.as_deref(), id)?;
    let now_ms = state.now_ms();
    if now_ms < batch.ends_ms && !batch.cancelled {
        batch.cancelled = true;
        batch.ends_ms = now_ms;
    }
    Some(Reply::json(200, &batch.shown(state)))
}

fn delete(state: &State, call: &BatchCall<'_>, id: &str) -> Option<Reply> {
    let mut kept = state.batches.kept();
    let batch = kept.batch(call.key.as_deref(), id)?;
    if !batch.is_over(state.now_ms()) {
        let words = format!("{id} cannot be deleted: batches can only be deleted once they have finished processing");
        return Some(call.refuse(400, &words));
    }
    batch.deleted = true;
    Some(Reply::json(200, &call.interface.deleted(id)))
}

fn list(state: &State, call: &BatchCall<'_>) -> Result<Value, Refusal> {
    let limit = call.interface.page_length(call.asked("limit").or(call.asked("pageSize")))?;
    let lag = state.config().batch.list_lag_ms;
    let now = state.now_ms();
    let kept = state.batches.kept();
    let shows = |b: &&Batch| {
        !b.deleted
            && b.interface.name() == call.interface.name()
            && (b.key.is_none() || b.key == call.key)
            && now - b.made_ms >= lag
    };
    let after = call.asked("after_id").or(call.asked("after")).or(call.asked("pageToken"));
    let all: Vec<&Batch> = kept.batches.iter().rev().filter(shows).collect();
    let endless = kept.batches.iter().any(|b| b.meets(BatchFault::EndlessListing));
    let after = after.filter(|_| !endless);
    let from = after.and_then(|id| all.iter().position(|b| b.id == id)).map_or(0, |at| at + 1);
    let page: Vec<&Batch> = all.iter().copied().skip(from).take(limit).collect();
    let more = endless || from + page.len() < all.len();
    let last = page.last().map(|b| b.id.clone());
    Ok(call.interface.batches(page.iter().map(|b| b.shown(state)).collect(), last, more))
}
