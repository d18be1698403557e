//! Many shards into one store: after it the ordinary command goes on as if one machine had done it all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::error::RunError;
use super::error_log::ErrorLog;
use super::shard::ShardHeader;
use crate::stages::discover::output_names;
use crate::store::{Lock, Merge, MergeCounts, RunLock, ShardStore, Store};
use crate::values::{Event, Failure, Fingerprint, Phase, SourcePath, Stage};

/// Key in `meta` of the main store: what was merged into it.
const MERGED: &str = "merged";

/// Order for a merge.
#[derive(Debug, Clone)]
pub struct MergeConfig {
    /// Output folder of the main store; it is made if it is missing.
    pub output: PathBuf,
    /// Folders and packs of shards, in any order; several of one shard are put together.
    pub shards: Vec<PathBuf>,
    /// True if shards may be missing or unsettled.
    pub partial: bool,
    /// Introduction to somebody who finds the folder locked.
    pub holder: String,
    /// Unix time in milliseconds.
    pub now_ms: fn() -> i64,
}

/// Result of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Number of shards that the corpus was cut into.
    pub of: u32,
    /// Numbers of shards that are not there, or whose runs had more to do.
    pub missing: Vec<u32>,
    /// Folders and packs that were read; none if too many shards are missing.
    pub read: u64,
    /// Documents that are new in the main store.
    pub documents: u64,
    /// Files and results.
    #[serde(flatten)]
    pub counts: MergeCounts,
    /// Failures that are new in the main store.
    pub failed: u64,
    /// Recognisers of the shards, if they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recognisers: Vec<String>,
}

/// Puts shards together in the store of an output folder. Nothing is changed there if shards are missing and that is not allowed.
/// It can be killed at any moment and done again, with the same shards or more.
///
/// # Errors
/// If something that is given is no sealed shard of one corpus, cut in one way by one program with the same settings; if the folder is in
/// use or a shard's itself.
pub fn merge(config: &MergeConfig) -> Result<Merged, RunError> {
    let cut = Cut::of(&config.shards)?;
    let missing = cut.missing();
    let mut merged = Merged {
        of: cut.of,
        missing,
        read: 0,
        documents: 0,
        counts: MergeCounts::default(),
        failed: 0,
        recognisers: cut.recognisers(),
    };
    if !merged.missing.is_empty() && !config.partial {
        return Ok(merged);
    }
    std::fs::create_dir_all(&config.output)
        .map_err(|source| RunError::Output { folder: config.output.clone(), source })?;
    let _lock = RunLock::take(&config.output, Lock::Run, &config.holder)?;
    let store = Store::open_or_create(&config.output)?;
    cut.expect_in(&store, config)?;
    let work = Merge::begin(&store)?;
    let open = |place: &PathBuf| ShardStore::open(place);
    for place in &config.shards {
        work.find_documents(&open(place)?)?;
    }
    merged.documents = work.number_documents()?;
    let mut log = ErrorLog::new(store.output(), config.now_ms);
    for place in &config.shards {
        // Before they are committed: who is killed between the two logs a failure twice, and never not at all.
        let mut note = |path, failure| {
            merged.failed += 1;
            log.note(&failed(path, failure));
        };
        merged.counts += work.take(&open(place)?, &mut note)?;
        merged.read += 1;
    }
    work.finish(output_names, MERGED, &cut.identity()?)?;
    Ok(merged)
}

fn failed(path: SourcePath, failure: Failure) -> Event {
    let Failure { kind, message } = failure;
    Event::DocumentFailed { stage: Phase::Discover, document: String::new(), path, kind, message, attempt: 1 }
}

/// The way in which a corpus was cut, as its shards tell.
struct Cut {
    of: u32,
    input: String,
    list: Option<String>,
    version: String,
    keys: BTreeMap<Stage, Fingerprint>,
    /// By number: true once one of its stores is settled.
    settled: BTreeMap<u32, bool>,
    recognisers: Vec<Option<String>>,
}

impl Cut {
    /// The cut of shards that belong together.
    fn of(places: &[PathBuf]) -> Result<Self, RunError> {
        let mut cut: Option<Self> = None;
        for place in places {
            let shard = ShardStore::open(place)?;
            let header = header(&shard)?;
            if shard.holds_answers()? {
                return Err(RunError::Shard(format!(
                    "'{}' holds answers of a provider, which stay in the store that paid for them: ask in the merged folder, and merge shards made with --until chunk",
                    place.display()
                )));
            }
            let cut = cut.get_or_insert_with(|| Self {
                of: header.of,
                input: header.input.clone(),
                list: header.list.clone(),
                version: header.version.clone(),
                keys: BTreeMap::new(),
                settled: BTreeMap::new(),
                recognisers: Vec::new(),
            });
            cut.add(&shard, header)?;
        }
        cut.ok_or_else(|| RunError::Shard("there is no shard to merge; give their folders or packs".to_owned()))
    }

    fn add(&mut self, shard: &ShardStore, header: ShardHeader) -> Result<(), RunError> {
        let place = shard.place().display();
        let refuse = |what: &str, theirs: &str, ours: &str, remedy: &str| {
            Err(RunError::Shard(format!("'{place}' {what} {theirs}, and the shards before it {ours}; {remedy}")))
        };
        if header.of != self.of {
            let (theirs, ours) = (format!("{} shards", header.of), self.of.to_string());
            return refuse("is one of", &theirs, &ours, "merge shards of one cut");
        }
        if header.input != self.input || header.list != self.list {
            let name = |input: &str, list: Option<&String>| match list {
                Some(list) => format!("'{input}' by the list {}", &list[..12.min(list.len())]),
                None => format!("'{input}'"),
            };
            let theirs = name(&header.input, header.list.as_ref());
            let ours = name(&self.input, self.list.as_ref());
            return refuse("is of the input", &theirs, &ours, "merge shards of one input, made with one list or none");
        }
        if header.version != self.version {
            let remedy = "run the older ones again with the newer program";
            return refuse("was made by version", &header.version, &self.version, remedy);
        }
        for stage in Stage::of_documents() {
            let Some((key, spec)) = shard.current(stage)? else { continue };
            if *self.keys.entry(stage).or_insert(key) != key {
                return Err(RunError::Shard(format!(
                    "'{place}' has other settings for {} ({spec}) than the shards before it; run it again with theirs",
                    stage.name()
                )));
            }
        }
        *self.settled.entry(header.index).or_default() |= shard.is_settled()?;
        if !self.recognisers.contains(&header.recogniser) {
            self.recognisers.push(header.recogniser);
        }
        Ok(())
    }

    fn missing(&self) -> Vec<u32> {
        (0..self.of).filter(|number| !self.settled.get(number).copied().unwrap_or(false)).collect()
    }

    fn recognisers(&self) -> Vec<String> {
        let names = self.recognisers.iter().map(|name| name.clone().unwrap_or_else(|| "none".to_owned()));
        if self.recognisers.len() > 1 { names.collect() } else { Vec::new() }
    }

    fn identity(&self) -> Result<String, RunError> {
        let Self { of, input, list, .. } = self;
        serde_json::to_string(&(of, input, list)).map_err(|e| RunError::Internal(e.to_string()))
    }

    /// Refuses a main store that is a shard's, or into which another cut was merged.
    fn expect_in(&self, store: &Store, config: &MergeConfig) -> Result<(), RunError> {
        let folder = config.output.display();
        if store.shard_header()?.is_some() {
            let words = format!("the folder '{folder}' holds a shard; merge into another one");
            return Err(RunError::Shard(words));
        }
        match store.reader()?.meta(MERGED)? {
            Some(known) if known != self.identity()? => Err(RunError::Shard(format!(
                "into the folder '{folder}' shards of another cut were merged before ({known}); merge these into another one"
            ))),
            _ => Ok(()),
        }
    }
}

fn header(shard: &ShardStore) -> Result<ShardHeader, RunError> {
    let header = shard.header()?.and_then(|text| serde_json::from_str(&text).ok());
    header.ok_or_else(|| {
        RunError::Shard(format!(
            "'{}' is no shard; make one with 'corpora batch INPUT --shard I/N --until chunk -o DIR'",
            shard.place().display()
        ))
    })
}
