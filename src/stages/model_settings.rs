//! Wishes about how a model answers, beside its prompt: the words that the field uses, and what each vendor makes of them is its own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::values::Choice;

/// Wishes about how a model answers. They decide answers, so each that is given is part of a question's key; what nobody gave is the
/// model's own, and is no part of any key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSettings {
    /// Effort that goes into an answer: how much the model thinks before it speaks.
    pub effort: Option<Effort>,
    /// Sampling temperature, from 0 (the likeliest word each time) to 2.
    pub temperature: Option<f64>,
    /// Seed of the sampling, where the vendor takes one.
    pub seed: Option<u32>,
    /// Texts at which an answer ends.
    pub stop: Vec<String>,
    /// Fields that are merged into the body of each request as they are; null takes a field out.
    pub extra_body: Map<String, Value>,
}

impl ModelSettings {
    /// True if nobody has said anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Effort that goes into an answer, in the words of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// No thoughts.
    None,
    /// As few as the model can.
    Minimal,
    /// Few.
    Low,
    /// Some.
    Medium,
    /// Many.
    High,
}

impl Choice for Effort {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::None, "none", "No thoughts"),
        (Self::Minimal, "minimal", "As few as the model can"),
        (Self::Low, "low", "Few thoughts"),
        (Self::Medium, "medium", "Some"),
        (Self::High, "high", "Many"),
    ];
}
