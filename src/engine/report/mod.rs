//! What a run leaves behind of itself: the manifest and the summary.

pub(super) mod manifest;
pub(super) mod summary;
