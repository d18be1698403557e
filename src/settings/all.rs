//! Every setting there is: the options of `corpora batch`.

use clap::Args;

use super::{
    BatchEndpointSettings, BlocklistSettings, LogSettings, ParseLimitSettings, ParsingSettings, PipelineSettings,
    ProgressSettings, ProviderSettings, RemoteSettings, RunSettings, ShardSettings,
};

/// Settings of `corpora batch`, group by group. Other commands take the groups that concern them.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllSettings {
    /// Documents and stages.
    #[command(flatten)]
    pub run: RunSettings,

    /// Part of the corpus.
    #[command(flatten)]
    pub sharding: ShardSettings,

    /// Display of the run.
    #[command(flatten)]
    pub progress: ProgressSettings,

    /// The pipeline.
    #[command(flatten)]
    pub pipeline: PipelineSettings,

    /// The provider and its model.
    #[command(flatten)]
    pub provider: ProviderSettings,

    /// Terms that are flagged.
    #[command(flatten)]
    pub blocklist: BlocklistSettings,

    /// Reading of documents.
    #[command(flatten)]
    pub parsing: ParsingSettings,

    /// Limits of reading them.
    #[command(flatten)]
    pub parse_limits: ParseLimitSettings,

    /// Needs of a remote provider.
    #[command(flatten)]
    pub remote: RemoteSettings,

    /// Log of its requests.
    #[command(flatten)]
    pub log: LogSettings,

    /// Use of its batch endpoint.
    #[command(flatten)]
    pub batch: BatchEndpointSettings,
}
