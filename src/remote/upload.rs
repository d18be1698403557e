//! A file on its way to a provider: read in pieces while it is sent, so that no payload sits in memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use futures_util::{Stream, stream};

use crate::store;

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// The length of `before`, a file and `after` together, and their bytes. Reading the local disk between two pieces does not wait
/// long enough to deserve a thread.
pub(super) fn pieces(
    file: &Path,
    before: Vec<u8>,
    after: Vec<u8>,
) -> io::Result<(u64, impl Stream<Item = io::Result<Vec<u8>>> + Send + Sync + 'static)> {
    let file = store::open_beneath(file)?;
    let length = file.metadata()?.len() + (before.len() + after.len()) as u64;
    let all = before_file_after(before, file, after);
    let pieces = stream::unfold(all, |mut all| async move {
        let mut piece = vec![0; PIECE];
        match all.read(&mut piece) {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), all))
            }
            Err(e) => Some((Err(e), all)),
        }
    });
    Ok((length, pieces))
}

fn before_file_after(before: Vec<u8>, file: File, after: Vec<u8>) -> impl Read + Send + Sync + 'static {
    io::Cursor::new(before).chain(file).chain(io::Cursor::new(after))
}
