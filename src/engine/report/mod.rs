//! Reports of a run on itself: the manifest and the summary.

pub(super) mod manifest;
pub(super) mod record;
pub(super) mod summary;
