//! Part of a corpus that a run takes, where many machines share the work.

use std::path::PathBuf;

use clap::Args;

use super::load::SettingsError;
use crate::stages::discover::{Inputs, Listing, Shard};
use crate::values::Stage;

/// Settings of one machine of many.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShardSettings {
    /// Take one part of N of the files, by the hash of their paths; shards are counted from 0.
    #[arg(long, value_name = "I/N", env = "CORPORA_SHARD")]
    pub shard: Option<Shard>,

    /// Take the files of this list, made by 'corpora list', and walk no folder.
    #[arg(long, value_name = "LIST", env = "CORPORA_FILES")]
    pub files: Option<PathBuf>,

    /// Begin with this pack of an interrupted shard, made by 'corpora pack', if the output folder has no store yet.
    #[arg(long, value_name = "PACK", env = "CORPORA_FROM_PACK")]
    pub from_pack: Option<PathBuf>,

    /// End with 0 when the same command would do nothing more, though some documents failed for good; a shard always does.
    #[arg(long, env = "CORPORA_SETTLED_OK")]
    pub settled_ok: bool,
}

impl ShardSettings {
    /// The list of files, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, if inputs do not fit a list or a shard, and if a shard would ask a provider.
    pub(crate) fn resolve(
        &self,
        inputs: &Inputs,
        until: Stage,
        is_remote: bool,
    ) -> Result<Option<Listing>, SettingsError> {
        let asked = match (&self.shard, &self.files) {
            (Some(shard), _) => format!("--shard {shard}"),
            (None, Some(_)) => "--files".to_owned(),
            (None, None) => return Ok(None),
        };
        if !inputs.is_whole_root() {
            return Err(SettingsError::value(format!(
                "{asked} is about one input folder, by the paths below it; give the folder, the same one for every shard"
            )));
        }
        if self.shard.is_some() && is_remote && until >= Stage::Extract {
            return Err(SettingsError::value(format!(
                "{asked} asks no provider: one process does, with one limiter and one bill; add --until chunk, and ask after 'corpora merge'"
            )));
        }
        let open = |file: &PathBuf| Listing::open(file).map_err(|e| SettingsError::value(e.to_string()));
        self.files.as_ref().map(open).transpose()
    }
}
