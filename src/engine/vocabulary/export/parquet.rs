//! The table of terms as an Apache Parquet file.

use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use rusqlite::Connection;

use super::columns::{ExportError, ExportRows};

/// Rows of a row group: what is in memory at once.
const GROUP: i64 = 16_384;

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        Self::Write(std::io::Error::other(error))
    }
}

/// The Parquet type of a column, by its SQLite type.
fn kind(sqlite: &str) -> &'static str {
    match sqlite.split(' ').next() {
        Some("INTEGER") => "int64",
        Some("REAL") => "double",
        _ => "binary",
    }
}

/// Writes all rows in their order. Lists and objects are JSON text, as in the SQLite table.
pub(super) fn write(db: &Connection, out: &mut (dyn Write + Send), rows: ExportRows) -> Result<(), ExportError> {
    let columns: Vec<(&str, &str)> = rows.columns().into_iter().map(|(name, sqlite)| (name, kind(sqlite))).collect();
    let (table, order) = rows.table();
    let fields: Vec<String> = columns
        .iter()
        .map(|(name, kind)| format!("optional {kind} {name}{};", if *kind == "binary" { " (UTF8)" } else { "" }))
        .collect();
    let schema = Arc::new(parse_message_type(&format!("message {table} {{ {} }}", fields.join(" ")))?);
    // The library's name and version only: equal terms give equal bytes.
    let properties = Arc::new(WriterProperties::builder().set_created_by("corpora".into()).build());
    let mut file = SerializedFileWriter::new(out, schema, properties)?;
    let mut after = 0;
    loop {
        let last: Option<i64> = db.query_row(
            &format!(
                "SELECT max({order}) FROM (SELECT {order} FROM {table} WHERE {order} > ?1 ORDER BY {order} LIMIT ?2)"
            ),
            [after, GROUP],
            |r| r.get(0),
        )?;
        let Some(last) = last else { break };
        let mut group = file.next_row_group()?;
        for (name, kind) in &columns {
            let query = format!("SELECT {name} FROM {table} WHERE {order} > ?1 AND {order} <= ?2 ORDER BY {order}");
            column(db, &mut group, &query, kind, (after, last))?;
        }
        group.close()?;
        after = last;
    }
    file.close()?;
    Ok(())
}

fn values<T: rusqlite::types::FromSql>(
    db: &Connection,
    query: &str,
    (after, last): (i64, i64),
) -> rusqlite::Result<Vec<Option<T>>> {
    db.prepare(query)?.query_map([after, last], |r| r.get(0))?.collect()
}

fn column<W: Write + Send>(
    db: &Connection,
    group: &mut SerializedRowGroupWriter<'_, W>,
    query: &str,
    kind: &str,
    rows: (i64, i64),
) -> Result<(), ExportError> {
    fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
        values.iter().map(|v| i16::from(v.is_some())).collect()
    }
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    match kind {
        "int64" => {
            let values: Vec<Option<i64>> = values(db, query, rows)?;
            let there: Vec<i64> = values.iter().flatten().copied().collect();
            column.typed::<Int64Type>().write_batch(&there, Some(&levels(&values)), None)?;
        }
        "double" => {
            let values: Vec<Option<f64>> = values(db, query, rows)?;
            let there: Vec<f64> = values.iter().flatten().copied().collect();
            column.typed::<DoubleType>().write_batch(&there, Some(&levels(&values)), None)?;
        }
        _ => {
            let values: Vec<Option<String>> = values(db, query, rows)?;
            let there: Vec<ByteArray> = values.iter().flatten().map(|text| ByteArray::from(text.as_str())).collect();
            column.typed::<ByteArrayType>().write_batch(&there, Some(&levels(&values)), None)?;
        }
    }
    Ok(column.close()?)
}

#[cfg(test)]
mod tests {
    use crate::engine::{ExportChoice, ExportRows, ExportTable};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn what_is_written_can_be_read_and_is_equal_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let master = r#"{"metadata": {}, "entries": [
            {"id": "0123456789abcdef", "text": "Wyrm", "canonical": "wyrm", "variants": [], "renamed_from": [], "document_count": 2,
             "occurrence_count": 3, "score": 1.5, "sources": ["a.pdf"], "occurrences": [], "conflicts": [], "tags": ["x", "y"]}]}"#;
        std::fs::write(dir.path().join("master.vocab.json"), master).unwrap();
        let written = |name: &str| {
            let table = ExportTable::fill(dir.path(), &ExportChoice::default(), &dir.path().join(name)).unwrap();
            let mut bytes = Vec::new();
            table.write_parquet(&mut bytes, ExportRows::Terms).unwrap();
            bytes
        };
        let bytes = written("one");
        assert_eq!(bytes, written("two"));
        std::fs::write(dir.path().join("x.parquet"), bytes).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(dir.path().join("x.parquet")).unwrap()).unwrap();
        let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap().to_string();
        assert!(
            row.contains("\"Wyrm\"") && row.contains("document_count: 2") && row.contains("category: null"),
            "{row}"
        );
    }
}
