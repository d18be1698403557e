//! Terms of an output folder as a table, in several formats: one query, and a small writer each.

mod columns;
mod language;
mod markup;
mod pages;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;
mod skos;
mod table;
mod tbx;
mod xlsx;

pub use self::columns::{EXPORT_COLUMNS, ExportChoice, ExportError, ExportOrder, ExportRows, OCCURRENCE_COLUMNS};
pub use self::language::{commonest_language, is_language_tag};
pub use self::table::{ExportSource, ExportTable};
