//! The tables as a workbook of a spreadsheet, Office Open XML: a sheet of terms and one of their places, where these are wanted. Nothing in it is a formula or a link.

use std::io::Write;

use rusqlite::types::Value;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::columns::{ExportError, ExportRows};
use super::rows::cell;
use super::table::ExportTable;

/// Rows of a sheet below its header (<https://support.microsoft.com/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3>).
const MOST_ROWS: u64 = 1_048_575;

/// Characters of a cell, in UTF-16 as such programs count them.
const MOST_CHARACTERS: usize = 32_767;

impl From<XlsxError> for ExportError {
    fn from(error: XlsxError) -> Self {
        Self::Write(match error {
            XlsxError::IoError(source) => source,
            other => std::io::Error::other(other.to_string()),
        })
    }
}

impl ExportTable {
    /// Writes a workbook. Rows go through temporary files, so memory does not grow with them; equal terms give equal bytes.
    ///
    /// # Errors
    /// If a sheet would have too many rows, or writing fails.
    pub fn write_xlsx(&self, out: &mut (dyn Write + Send)) -> Result<(), ExportError> {
        let counts = [Some(self.terms), self.occurrences];
        if let Some(rows) = counts.into_iter().flatten().find(|rows| *rows > MOST_ROWS) {
            return Err(ExportError::TooManyRows { most: MOST_ROWS, rows });
        }
        let mut book = Workbook::new();
        // The time at which it was made would make equal terms unequal files.
        let never = ExcelDateTime::from_ymd(2000, 1, 1)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&never));
        let places = self.occurrences.map(|_| ExportRows::Occurrences);
        for rows in std::iter::once(ExportRows::Terms).chain(places) {
            let sheet = book.add_worksheet_with_constant_memory()?;
            sheet.set_name(rows.table().0)?;
            self.fill_sheet(sheet, rows)?;
        }
        book.save_to_writer(out)?;
        Ok(())
    }

    fn fill_sheet(&self, sheet: &mut Worksheet, rows: ExportRows) -> Result<(), ExportError> {
        let columns = rows.columns();
        let (last, count) = (column(columns.len() - 1), self.count(rows));
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofilter(0, 0, u32::try_from(count).unwrap_or(u32::MAX), last)?;
        for (n, (name, _)) in columns.iter().enumerate() {
            let width = match *name {
                "definition" | "sentence" => 60,
                "text" | "canonical" | "source" => 24,
                _ => 12,
            };
            sheet.set_column_width(column(n), width)?;
            sheet.write_string_with_format(0, column(n), *name, &Format::new().set_bold())?;
        }
        let mut at = 0;
        self.each_row(rows, &mut |row| {
            at += 1;
            for (n, value) in row.into_iter().enumerate() {
                match value {
                    Value::Integer(number) => {
                        sheet.write_number(at, column(n), number as f64)?;
                    }
                    Value::Real(number) => {
                        sheet.write_number(at, column(n), number)?;
                    }
                    Value::Null | Value::Blob(_) => {}
                    text => {
                        sheet.write_string(at, column(n), fitting(cell(columns[n].0, text)))?;
                    }
                }
            }
            Ok(())
        })
    }

    fn count(&self, rows: ExportRows) -> u64 {
        match rows {
            ExportRows::Terms => self.terms,
            ExportRows::Occurrences => self.occurrences.unwrap_or_default(),
        }
    }
}

fn column(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// A text that a cell holds: the rest of a longer one is left out, and said.
fn fitting(text: String) -> String {
    if text.encode_utf16().count() <= MOST_CHARACTERS {
        return text;
    }
    let mut units = 0;
    let head: String = text
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units < MOST_CHARACTERS
        })
        .collect();
    head + "…"
}
