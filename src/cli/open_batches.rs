//! Batches of an output folder that the provider has, and the way to it.

use super::exit::CommandError;
use super::folder::trusted;
use super::pay_args::WaitArgs;
use crate::engine::Remote;
use crate::pipelines;
use crate::remote::{Client, Endpoint};
use crate::settings::{ConnectionSettings, Origin, Sources};
use crate::stages::extract::answer_schema;
use crate::store::{BatchRow, BatchState, Reader, Store};

/// Open batches that the provider has, or the one that was named, each with the client that reaches it.
///
/// # Errors
/// If the store cannot be read, the provider cannot be asked, or the named batch is not at it.
pub(super) fn open_batches(args: &WaitArgs, sources: &Sources) -> Result<Vec<(BatchRow, Client)>, CommandError> {
    let dir = trusted(args.folder.path()?)?;
    let only = args.batch.as_deref();
    let reader = Store::open_existing(dir)?.reader()?;
    // The client wants one; a batch that is there already has its own.
    let schema = answer_schema(&pipelines::find("glossary").map_err(CommandError::bad_input)?, 1);
    let mut found = Vec::new();
    for batch in reader.all_batches()? {
        let chosen = only.is_none_or(|only| batch.token == only || batch.remote.as_deref() == Some(only));
        if !chosen || batch.state != BatchState::Submitted {
            continue;
        }
        let client = provider(&reader, &batch, &args.connection, sources)?.client(&schema)?;
        found.push((batch, client));
    }
    if let (Some(only), true) = (only, found.is_empty()) {
        return Err(CommandError::bad_input(format!(
            "no provider batch '{only}' of '{}' is at the provider; 'corpora batches {}' lists them",
            dir.display(),
            dir.display()
        )));
    }
    Ok(found)
}

/// The provider of a batch, as its question tells. An address counts if it leads to where the batch was sent, or if it was typed:
/// that of the settings file may be of another provider by now.
fn provider(
    reader: &Reader,
    batch: &BatchRow,
    settings: &ConnectionSettings,
    sources: &Sources,
) -> Result<Remote, CommandError> {
    let spec: serde_json::Value =
        serde_json::from_str(&reader.spec(batch.question)?.unwrap_or_default()).unwrap_or_default();
    let sent_to = spec["origin"].as_str();
    let leads_there = |url: &String| {
        let given = Endpoint::new(url, settings.allow_http).ok().map(|endpoint| endpoint.origin());
        sources.origin("base_url") == Origin::Line || given.as_deref() == sent_to
    };
    let base_url = settings.base_url.clone().filter(leads_there).or_else(|| sent_to.map(str::to_owned));
    let settings = ConnectionSettings { base_url, ..settings.clone() };
    Ok(settings.connect(spec["provider"].as_str().unwrap_or_default(), Some(batch.model.clone()))?)
}
