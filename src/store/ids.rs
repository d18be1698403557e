//! Numbers that stand for something in one store. They say nothing outside it.

/// A document's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub i64);

/// The number of an interned stage fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FpId(pub i64);
