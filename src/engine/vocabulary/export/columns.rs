//! Columns of an export, what is chosen, and what can go wrong.

use std::path::PathBuf;

/// The columns of table `terms` and their SQLite types. Lists and objects are JSON text; what is not known is null.
pub const EXPORT_COLUMNS: [(&str, &str); 36] = [
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
    ("page", "TEXT"),
    ("chapter", "TEXT"),
    ("definition_source", "TEXT"),
    ("definition_from", "TEXT"),
    ("definition_section", "INTEGER"),
    ("note", "TEXT"),
];

/// The columns of table `occurrences`: the places that the master keeps of each term.
pub const OCCURRENCE_COLUMNS: [(&str, &str); 10] = [
    ("rank", "INTEGER NOT NULL"),
    ("canonical", "TEXT NOT NULL"),
    ("text", "TEXT NOT NULL"),
    ("source", "TEXT NOT NULL"),
    ("section", "INTEGER NOT NULL"),
    ("page", "TEXT"),
    ("chapter", "TEXT"),
    ("starts", "INTEGER NOT NULL"),
    ("ends", "INTEGER NOT NULL"),
    ("sentence", "TEXT NOT NULL"),
];

/// Rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportRows {
    /// A row a term.
    Terms,
    /// A row a place of a term.
    Occurrences,
}

impl ExportRows {
    /// The columns that are shown, and their SQLite types.
    pub(super) fn columns(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Terms => EXPORT_COLUMNS.into_iter().chain([("fields", "TEXT")]).collect(),
            Self::Occurrences => OCCURRENCE_COLUMNS.to_vec(),
        }
    }

    /// Table, and the column that numbers its rows in the order of the export.
    pub(super) fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Terms => ("terms", "place"),
            Self::Occurrences => ("occurrences", "row"),
        }
    }
}

/// Lists of the table, one row an element.
pub(super) const VIEWS: &str = "
CREATE VIEW term_tags AS SELECT t.rank, t.canonical, j.value AS tag FROM terms t, json_each(t.tags) j;
CREATE VIEW term_axes AS SELECT t.rank, t.canonical, j.key AS axis, j.value AS score FROM terms t, json_each(t.axes) j;
CREATE VIEW term_sources AS SELECT t.rank, t.canonical, j.value AS source FROM terms t, json_each(t.sources) j;
";

/// Order of the rows of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportOrder {
    /// Best first.
    #[default]
    Rank,
    /// By name, without case and accents.
    Text,
    /// In most documents first.
    Documents,
    /// Most frequent first.
    Occurrences,
    /// As they come in the books: by the place of the sentence that is shown.
    Source,
}

impl ExportOrder {
    /// Expressions of SQL; rank tells apart what is equal.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::Text => "folded, text, rank",
            Self::Documents => "document_count DESC, rank",
            Self::Occurrences => "occurrence_count DESC, rank",
            Self::Source => "source IS NULL, source, section, starts, rank",
        }
    }
}

/// Terms that are wanted, and in which order.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportChoice<'a> {
    /// SQL expression that has to be true.
    pub condition: Option<&'a str>,
    /// So many of the best of them.
    pub top: Option<u64>,
    /// Order of the rows.
    pub order: ExportOrder,
    /// Table of the places too: it costs as much again as that of the terms.
    pub occurrences: bool,
}

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
    #[error(
        "--where '{condition}' is not a condition over the terms: {reason}; {}columns are {}",
        hint(.condition),
        columns()
    )]
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
    /// A spreadsheet holds no more rows.
    #[error("a sheet holds {most} rows, and these are {rows}; take the best with --top, or choose another format")]
    TooManyRows {
        /// Rows that a sheet holds below its header.
        most: u64,
        /// Rows that there are.
        rows: u64,
    },
    /// The folder that is to be made holds something.
    #[error("'{0}' is there already and not empty; give a new folder, or remove it")]
    Occupied(PathBuf),
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

/// What somebody wants who writes `LIMIT` or `ORDER BY` into a condition.
fn hint(condition: &str) -> String {
    let has = |word: &str| condition.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|w| w == word);
    let limit = has("limit").then_some("--top N takes the best N terms; ");
    let order = has("order").then_some("--sort sets their order; ");
    [limit, order].into_iter().flatten().collect()
}
