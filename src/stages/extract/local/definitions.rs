//! Sentences that define a term.
