//! Vendors, one file each: where a request goes, how its body looks, what a reply and an error mean. All pure, but for the
//! calls that create a batch.

mod anthropic;
mod dialect;
mod errors;
mod extras;
mod gemini;
mod openai;
mod openai_chat;
mod openai_responses;
mod reply;
mod schema;
mod vendor;

pub use anthropic::ANTHROPIC;
pub use dialect::Dialect;
pub(super) use dialect::lenient_json;
pub(super) use errors::{excerpt, told_status, told_trouble};
pub use extras::{SettingTrouble, check_tier};
pub use gemini::GEMINI;
pub use openai_chat::OPENAI_CHAT;
pub use openai_responses::OPENAI_RESPONSES;
pub use reply::{Content, Finish, Reply, Structured};
use reply::{append, count, system_with_schema};
pub use schema::SchemaTrouble;
pub use vendor::{Vendor, vendor_named};

use super::Prompt;

/// All vendors, in the order in which messages name them.
pub const ALL: [&dyn Vendor; 4] = [ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, GEMINI];

#[cfg(test)]
mod tests;
