//! Terms of an output folder as a table, in several formats.

mod columns;
#[cfg(feature = "parquet")]
mod parquet;
mod table;

pub use self::columns::{EXPORT_COLUMNS, ExportError};
pub use self::table::{ExportSource, ExportTable};
