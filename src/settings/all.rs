//! Every setting there is: the options of `corpora batch`.

use clap::Args;

use super::{
    BatchEndpointSettings, BlocklistSettings, LogSettings, ParseLimitSettings, ParsingSettings, PipelineSettings,
    ProgressSettings, ProviderSettings, RemoteSettings, RunSettings,
};

/// Settings of `corpora batch`, group by group. Other commands take the groups that concern them.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllSettings {
    /// Documents and stages.
    #[command(flatten)]
    pub run: RunSettings,

    /// What the run shows.
    #[command(flatten)]
    pub progress: ProgressSettings,

    /// What is extracted.
    #[command(flatten)]
    pub pipeline: PipelineSettings,

    /// Who answers.
    #[command(flatten)]
    pub provider: ProviderSettings,

    /// What is flagged.
    #[command(flatten)]
    pub blocklist: BlocklistSettings,

    /// How documents are read.
    #[command(flatten)]
    pub parsing: ParsingSettings,

    /// What reading them may take.
    #[command(flatten)]
    pub parse_limits: ParseLimitSettings,

    /// What a remote provider needs.
    #[command(flatten)]
    pub remote: RemoteSettings,

    /// What is written down of it.
    #[command(flatten)]
    pub log: LogSettings,

    /// How its batch endpoint is used.
    #[command(flatten)]
    pub batch: BatchEndpointSettings,
}
