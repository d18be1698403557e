//! A request before it is phrased for a vendor.

use std::sync::Arc;

use serde_json::Value;

use super::ServiceTier;

/// One request to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Instructions; equal in all requests of a pipeline, so that providers can cache them.
    pub system: Arc<str>,
    /// The text that is asked about.
    pub user: String,
    /// JSON Schema of the answer.
    pub schema: Arc<Value>,
    /// Name of the schema: ASCII letters, digits, `_` and `-`, at most 64.
    pub schema_name: Arc<str>,
    /// The most tokens that the answer may have.
    pub max_output_tokens: u32,
    /// Tier of service at which it is asked; within a batch there is none but the standard one.
    pub tier: ServiceTier,
}
