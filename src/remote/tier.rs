//! Tiers of service: at what price, and how soon, a vendor answers a request.

use serde_json::Value;

use crate::values::Choice;

/// Tier of service at which a request is asked. It decides price and speed, never the answer, so it is part of no key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceTier {
    /// The vendor's ordinary tier.
    #[default]
    Standard,
    /// Slower, and now and then out of room, at the price of a batch. <https://developers.openai.com/api/docs/guides/flex-processing>,
    /// <https://ai.google.dev/gemini-api/docs/flex-inference>
    Flex,
}

impl Choice for ServiceTier {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Standard, "standard", "The provider's ordinary tier"),
        (Self::Flex, "flex", "Slower, at about half the price (OpenAI, Gemini)"),
    ];
}

impl ServiceTier {
    /// The tier that a response names as the one that served it; none if it names none. Other tiers than flex are not asked for, and
    /// cost at least the standard price.
    pub(super) fn served(value: &Value) -> Option<Self> {
        let word = value.as_str()?;
        Some(if word.eq_ignore_ascii_case("flex") { Self::Flex } else { Self::Standard })
    }
}

/// Tariff by which an answer is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tariff {
    /// A request by itself, at a tier.
    Live(ServiceTier),
    /// A request within a batch.
    Batch,
}
