//! A shard: the part of a corpus that one of many machines takes.

use std::fmt;
use std::str::FromStr;

use crate::values::{Fingerprint, SourcePath};

/// Most shards that a corpus is cut into.
const MOST: u32 = 1_000_000;

/// Part number `index` of `of`, counted from 0 as engines count their tasks: `3/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Number of the shard, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of all shards.
    pub fn of(self) -> u32 {
        self.of
    }

    /// True if a file falls to this shard: the first 8 bytes of the SHA-256 of its path (relative to the input root, as listings and
    /// stores write it), read as a big-endian number, modulo the number of shards. This rule never changes: shards of one corpus are
    /// made on many machines.
    pub fn holds(self, path: &SourcePath) -> bool {
        number(path, self.of) == self.index
    }
}

fn number(path: &SourcePath, of: u32) -> u32 {
    let hash = Fingerprint::of(path.as_str().as_bytes()).0;
    let begin = u64::from_be_bytes(hash[..8].try_into().expect("8 of 32 bytes"));
    u32::try_from(begin % u64::from(of)).expect("less than a u32")
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// A shard from `I/N`.
    ///
    /// # Errors
    /// Words with a remedy, for anything else, and for a number that there is not.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let Some((index, of)) = parts else {
            return Err("a shard is written I/N, such as 0/16 for the first of sixteen".to_owned());
        };
        match of {
            0 => Err("there is no shard of 0; give at least 0/1, which is everything".to_owned()),
            of if of > MOST => Err(format!("at most {MOST} shards are made")),
            of if index >= of => Err(format!("shards are counted from 0: the last of {of} is {}/{of}", of - 1)),
            of => Ok(Self { index, of }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_by_which_files_fall_to_shards_never_changes() {
        // sha256sum of the path, its first 16 digits modulo 16, worked out apart from this program.
        for (path, index) in [("a.pdf", 2), ("shelf/book.epub", 4), ("Bücher/größe.pdf", 7)] {
            let path = SourcePath::from_text(path);
            assert_eq!(number(&path, 16), index, "{path}");
            let holders = (0..16).filter(|index| Shard { index: *index, of: 16 }.holds(&path));
            assert_eq!(holders.count(), 1, "each file falls to one shard");
        }
        assert_eq!(number(&SourcePath::from_text("a.pdf"), 1), 0);
    }

    #[test]
    fn a_shard_is_read_as_it_is_written_and_one_that_is_not_there_is_refused_in_words() {
        assert_eq!("3/16".parse::<Shard>().map(|shard| shard.to_string()).as_deref(), Ok("3/16"));
        for (text, words) in [("16/16", "the last of 16 is 15/16"), ("1/0", "0/1"), ("3", "I/N"), ("-1/4", "I/N")] {
            assert!(text.parse::<Shard>().unwrap_err().contains(words), "{text}");
        }
    }
}
