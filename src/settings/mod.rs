//! Layer 4: settings. Each is declared once, as a field of a group, and read once, for every command, from the command line, the
//! environment and `corpora.toml`; the groups know how their values become what the engine is told.

mod all;
mod allowed;
mod answers;
mod asked;
mod at_end;
mod batch_endpoint;
mod choice;
mod file;
mod json_text;
mod load;
mod model_settings;
mod parsing;
mod progress;
mod remote;
mod run;
mod sharding;
mod sources;
mod word_or_file;

pub(crate) use all::AllSettings;
pub(crate) use allowed::{Foreign, allow, is_allowed};
pub(crate) use answers::{BlocklistSettings, PipelineSettings, ProviderSettings};
pub(crate) use asked::{asked, small_form};
pub(crate) use at_end::EndSettings;
pub(crate) use batch_endpoint::BatchEndpointSettings;
pub(crate) use load::{Loaded, SettingsError, load, unknown_variables};
pub(crate) use parsing::{ParseLimitSettings, ParsingSettings};
pub(crate) use progress::{LogFormat, LogSettings, Progress, ProgressSettings};
pub(crate) use remote::{ConnectionSettings, RemoteSettings};
pub(crate) use run::RunSettings;
pub(crate) use sharding::ShardSettings;
pub(crate) use sources::{Origin, Setting, Sources};
