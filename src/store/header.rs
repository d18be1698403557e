//! Header of a database file. All stores of ours have the same but for a few counters, so a damaged one can be told and mended
//! (<https://www.sqlite.org/fileformat2.html#the_database_header>).

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a header.
const HEADER: usize = 100;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// Parts of the header that never change, with their places.
const FIXED: [(usize, &[u8]); 6] = [
    (0, b"SQLite format 3\0\x10\x00"),
    // No reserved bytes; fractions that are always these.
    (20, &[0, 64, 32, 32]),
    // Format of the schema.
    (44, &[0, 0, 0, 4]),
    // No auto-vacuum, UTF-8.
    (52, &[0, 0, 0, 0, 0, 0, 0, 1]),
    (64, &[0, 0, 0, 0]),
    (72, &[0; 20]),
];

/// Places of the number of changes, of the number of pages, and of the number of changes for which that holds.
const CHANGES: usize = 24;
const PAGES: usize = 28;
const PAGES_FOR: usize = 92;

/// The header as it has to be; none if it is so.
fn mended(header: &[u8; HEADER], pages: u64) -> Option<[u8; HEADER]> {
    let mut new = *header;
    for (place, bytes) in FIXED {
        new[place..place + bytes.len()].copy_from_slice(bytes);
    }
    // Written with a write-ahead log or without one; both numbers say it.
    if !matches!(new[18..20], [1, 1] | [2, 2]) {
        new[18..20].fill(2);
    }
    if new[CHANGES..CHANGES + 4] == new[PAGES_FOR..PAGES_FOR + 4]
        && let Ok(pages) = u32::try_from(pages)
    {
        new[PAGES..PAGES + 4].copy_from_slice(&pages.to_be_bytes());
    }
    (new != *header).then_some(new)
}

/// Header that a database file has to have; none if it has it. This process has no connection to it: closing the file lets go of their
/// locks.
///
/// # Errors
/// If the file cannot be read, or is no more than a header.
pub(super) fn wanted(file: &Path) -> Result<Option<[u8; HEADER]>> {
    let file = File::open(file)?;
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)?;
    Ok(mended(&header, file.metadata()?.len() / PAGE))
}

/// Gives a database file a header.
///
/// # Errors
/// If it cannot be written.
pub(super) fn give(file: &Path, header: &[u8; HEADER]) -> Result<()> {
    OpenOptions::new().write(true).open(file)?.write_all_at(header, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Filled;

    #[test]
    fn whatever_bit_of_its_fixed_parts_is_turned_a_header_comes_back_and_a_sound_one_stays() {
        let store = Filled::new();
        store.put(&[("a.pdf", 1)]);
        store.reader.db.value::<i64>("SELECT count(*) FROM doc", []).unwrap();
        store.writer.finish().unwrap();
        let bytes = std::fs::read(store.store.database()).unwrap();
        let header: [u8; HEADER] = bytes[..HEADER].try_into().unwrap();
        let pages = bytes.len() as u64 / PAGE;
        assert_eq!(mended(&header, pages), None);
        for (place, part) in FIXED {
            for bit in 0..part.len() * 8 {
                let mut turned = header;
                turned[place + bit / 8] ^= 1 << (bit % 8);
                assert_eq!(mended(&turned, pages), Some(header), "byte {}", place + bit / 8);
            }
        }
    }
}
