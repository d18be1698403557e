//! Interfaces of the vendors, one file each.

mod anthropic;
mod gemini;
mod interface;
mod openai;

pub(crate) use interface::{
    BatchState, FileState, Flaw, Interface, ModelRequest, NoAnswer, Parts, Payload, Purpose, Refusal, UsageReport,
};

/// All interfaces. The first that claims a path answers it.
pub(crate) const ALL: [&dyn Interface; 4] =
    [anthropic::ANTHROPIC, gemini::GEMINI, openai::RESPONSES, openai::CHAT_COMPLETIONS];
