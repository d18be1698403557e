//! Layer 2: providers. Their interfaces, the limiter that all traffic passes, prices. The only room that is async.

mod batches;
mod client;
mod endpoint;
mod headers;
mod health;
mod limiter;
mod presets;
mod prices;
mod prompt;
mod secret;
mod server_facts;
mod stream;
mod tier;
mod trouble;
mod upload;
mod vendors;
mod webhook;

pub use batches::{BatchLimits, BatchSeen, Counts, LineOutcome, ResultLine, Standing, is_surely_absent};
pub use client::{Answered, Attempt, Client, ClientError, choose_cryptography};
pub use endpoint::{Endpoint, EndpointError};
pub use headers::{LimitSeen, LimitsSeen};
pub use health::{Health, Reaction, UseOf};
pub use limiter::{Charge, Limiter, LimiterReport, Permit, Rates, Sent};
pub use presets::{PRESETS, Preset, provider_named};
pub use prices::{Price, PriceError, Prices};
pub use prompt::Prompt;
pub use secret::{ApiKey, ExtraHeaders, HeaderError, KeyError};
pub use server_facts::ServerFacts;
pub use stream::Added;
pub use tier::{ServiceTier, Tariff};
pub use trouble::{Disposition, Trouble, TroubleKind};
pub use vendors::{
    ALL as VENDORS, ANTHROPIC, Content, Dialect, Finish, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, Reply, SchemaTrouble,
    SettingTrouble, Structured, Vendor, check_tier, vendor_named,
};
pub use webhook::Webhook;
