//! Pages that say which tables a store has. They are the same in every store of a version, so long as it was not rewritten otherwise than
//! `corpora gc` does; of a damaged one the few bits are known that were turned.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a page.
const PAGE: usize = 4096;
/// Bytes of the header of the file, which the first page begins with.
const HEADER: usize = 100;
/// Bits in which a damaged page differs at most; another page differs in thousands.
const FEW: u32 = 8;

/// Page of a database file, with its number from 0.
pub(super) type NumberedPage = (usize, Vec<u8>);

/// Kinds of pages of a table: <https://www.sqlite.org/fileformat2.html#b_tree_pages>.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// Pages of the schema of a sound database.
pub(super) fn of(database: &[u8]) -> Vec<NumberedPage> {
    let (mut pages, mut left) = (Vec::new(), vec![0]);
    while let Some(number) = left.pop() {
        let Some(page) = database.get(number * PAGE..(number + 1) * PAGE) else { continue };
        let head = if number == 0 { HEADER } else { 0 };
        let two = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        let four = |at: usize| page[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if page[head] == INTERIOR {
            let cells = (0..two(head + 3)).map(|n| four(two(head + 12 + 2 * n)));
            left.extend(cells.chain([four(head + 8)]).filter_map(|number| number.checked_sub(1)));
        } else if page[head] != LEAF {
            continue;
        }
        pages.push((number, page.to_vec()));
    }
    pages
}

/// Pages of a file that are these but for a few bits, as they have to be. This process has no connection to it: closing the file lets go of
/// their locks.
///
/// # Errors
/// If it cannot be read.
pub(super) fn damaged(file: &Path, sound: Vec<NumberedPage>) -> Result<Vec<NumberedPage>> {
    let file = File::open(file)?;
    let mut damaged = Vec::new();
    for (number, mut wanted) in sound {
        let mut found = vec![0; PAGE];
        if file.read_exact_at(&mut found, (number * PAGE) as u64).is_err() {
            continue;
        }
        if number == 0 {
            wanted[..HEADER].copy_from_slice(&found[..HEADER]);
        }
        let bits: u32 = found.iter().zip(&wanted).map(|(a, b)| (a ^ b).count_ones()).sum();
        if (1..=FEW).contains(&bits) {
            damaged.push((number, wanted));
        }
    }
    Ok(damaged)
}

/// Writes pages of a file anew.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(file: &Path, pages: &[NumberedPage]) -> Result<()> {
    let file = OpenOptions::new().write(true).open(file)?;
    pages.iter().try_for_each(|(number, page)| file.write_all_at(page, (number * PAGE) as u64))
}
