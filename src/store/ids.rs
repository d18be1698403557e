//! Numbers that stand for something in one store; they say nothing outside it. Each has a type of its own, so that none is taken
//! for another.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

macro_rules! stored_as_its_number {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    )*};
}

/// A document's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub i64);

/// The number of an interned stage fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FpId(pub i64);

/// A response's number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseId(pub i64);

/// A batch's number, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub i64);

/// Generation of answers, from 0: a rerun begins the next one, and accepts no answer of an older one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub i64);

impl Generation {
    /// Generation after it.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl BatchId {
    /// Id after it.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

stored_as_its_number!(DocId, FpId, ResponseId, BatchId, Generation);

/// Part of the corpus that a run is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// The whole input root.
    #[default]
    Whole,
    /// Part that a partial run, by its number from 1, has chosen.
    Part(i64),
}

impl ToSql for Scope {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Whole => 0.into(),
            Self::Part(number) => (*number).into(),
        })
    }
}
