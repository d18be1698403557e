//! Name of the vocabulary file of a source.

use crate::values::{Fingerprint, MASTER_FILE, SourcePath};

const EXTENSION: &str = ".vocab.json";

/// Longest file name that every common file system takes, in bytes.
const LONGEST_NAME: usize = 255;

/// Names for the vocabulary file of `path`, relative to the output folder, best first: `book.vocab.json`, then
/// `book.pdf.vocab.json`, then a name with a part of the path's hash, which no other path shares. Folders are kept.
/// A name that would be too long is cut and carries the hash from the start.
pub fn output_names(path: &SourcePath) -> Vec<String> {
    let path = path.as_str();
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(f, n)| (f, n));
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let hash = &Fingerprint::of(path.as_bytes()).hex()[..12];
    let fits = |stem: &str| stem.len() + EXTENSION.len() <= LONGEST_NAME;
    let cut = &stem[..stem.floor_char_boundary(LONGEST_NAME - EXTENSION.len() - hash.len() - 1)];
    let unique = format!("{cut}-{hash}");
    let stems = [stem, name, unique.as_str()];
    stems
        .into_iter()
        .filter(|stem| fits(stem))
        // That name belongs to the master vocabulary.
        .filter(|stem| !(folder.is_empty() && format!("{stem}{EXTENSION}").eq_ignore_ascii_case(MASTER_FILE)))
        .map(|stem| match folder {
            "" => format!("{stem}{EXTENSION}"),
            folder => format!("{folder}/{stem}{EXTENSION}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Vec<String> {
        output_names(&SourcePath::from_text(path))
    }

    #[test]
    fn the_plain_name_comes_first_and_the_last_is_unique() {
        let names = names("shelf/my.book.pdf");
        assert_eq!(names[..2], ["shelf/my.book.vocab.json", "shelf/my.book.pdf.vocab.json"]);
        assert!(names[2].starts_with("shelf/my.book-"));
    }

    #[test]
    fn no_document_takes_the_name_of_the_master() {
        assert_eq!(names("Master.pdf")[0], "Master.pdf.vocab.json");
        assert_eq!(names("deep/master.pdf")[0], "deep/master.vocab.json");
    }

    #[test]
    fn long_names_are_cut_on_a_character_and_stay_apart() {
        let one = names(&format!("{}.pdf", "ä".repeat(125)));
        let two = names(&format!("{}.epub", "ä".repeat(125)));
        for name in one.iter().chain(&two) {
            assert!(name.len() <= LONGEST_NAME, "{} bytes", name.len());
        }
        assert_ne!(one.last(), two.last());
        assert!(!one.is_empty());
    }
}
