//! Frequency of words in ordinary English prose.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Source and licence stand in the file's first lines.
const FILE: &str = include_str!("english.txt");

static PER_MILLION: LazyLock<HashMap<&'static str, f64>> = LazyLock::new(|| {
    FILE.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(rate, words)| rate.parse().ok().map(|rate: f64| (rate, words)))
        .flat_map(|(rate, words)| words.split(' ').map(move |word| (word, rate)))
        .collect()
});

/// Occurrences of a lowercase word in a million words of ordinary prose; 0 if it was not seen.
pub fn per_million(word: &str) -> f64 {
    PER_MILLION.get(word).copied().unwrap_or(0.0)
}

/// All words that were seen, in lower case, with their occurrences in a million words; in no order.
pub fn words() -> impl Iterator<Item = (&'static str, f64)> {
    PER_MILLION.iter().map(|(word, rate)| (*word, *rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_understood() {
        assert_eq!(PER_MILLION.len(), 27_697);
        assert!(per_million("the") > 40_000.0 && per_million("stapleton") < 1.0 && per_million("aboleth") == 0.0);
    }
}
