//! Columns of an export, and what can go wrong with one.

use std::path::PathBuf;

/// The columns of table `terms` and their SQLite types. Lists and objects are JSON text; what is not known is null.
pub const EXPORT_COLUMNS: [(&str, &str); 30] = [
    ("rank", "INTEGER PRIMARY KEY"),
    ("id", "TEXT NOT NULL"),
    ("text", "TEXT NOT NULL"),
    ("canonical", "TEXT NOT NULL"),
    ("pos", "TEXT"),
    ("category", "TEXT"),
    ("intent", "TEXT"),
    ("secondary_intents", "TEXT"),
    ("genre", "TEXT"),
    ("mood", "TEXT"),
    ("energy", "TEXT"),
    ("tags", "TEXT"),
    ("axes", "TEXT"),
    ("confidence", "REAL"),
    ("ip_flag", "TEXT"),
    ("review", "TEXT"),
    ("definition", "TEXT"),
    ("document_count", "INTEGER NOT NULL"),
    ("occurrence_count", "INTEGER NOT NULL"),
    ("idf", "REAL"),
    ("score", "REAL NOT NULL"),
    ("sources", "TEXT NOT NULL"),
    ("variants", "TEXT NOT NULL"),
    ("renamed_from", "TEXT NOT NULL"),
    ("conflicts", "TEXT NOT NULL"),
    ("kind", "TEXT"),
    ("aliases", "TEXT NOT NULL"),
    ("sentence", "TEXT"),
    ("source", "TEXT"),
    ("section", "INTEGER"),
];

/// Lists of the table, one row an element.
pub(super) const VIEWS: &str = "
CREATE VIEW term_tags AS SELECT t.rank, t.canonical, j.value AS tag FROM terms t, json_each(t.tags) j;
CREATE VIEW term_axes AS SELECT t.rank, t.canonical, j.key AS axis, j.value AS score FROM terms t, json_each(t.axes) j;
CREATE VIEW term_sources AS SELECT t.rank, t.canonical, j.value AS source FROM terms t, json_each(t.sources) j;
";

/// Reasons for which there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder holds nothing to export.
    #[error("there are neither a master nor vocabulary files in '{0}'; 'corpora batch ... -o {0}' makes them")]
    Empty(PathBuf),
    /// A file cannot be used.
    #[error("'{0}' cannot be used: {1}")]
    File(PathBuf, String),
    /// The condition is not one.
    #[error("--where '{condition}' is not a condition over the terms: {reason}; columns are {}", columns())]
    Condition {
        /// As it was given.
        condition: String,
        /// Words of SQLite.
        reason: String,
    },
    /// This build cannot write the format.
    #[error(
        "this build of corpora cannot write Parquet; build it with 'cargo install --features parquet', or choose another format"
    )]
    NoParquet,
    /// The table in between.
    #[error("the table of terms cannot be made: {0}")]
    Table(#[from] rusqlite::Error),
    /// Writing failed.
    #[error("the export cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => std::io::Error::other(format!("{other:?}")),
        })
    }
}

fn columns() -> String {
    let names: Vec<&str> = EXPORT_COLUMNS.iter().map(|(name, _)| *name).chain(["fields"]).collect();
    names.join(", ")
}
