//! From byte offsets to character offsets.

/// Bytes between two remembered positions.
const STEP: usize = 1024;

/// Character counts at regular byte positions, so that a look-up counts at most [`STEP`] bytes.
pub(super) struct CharacterOffsets(Vec<usize>);

impl CharacterOffsets {
    pub(super) fn new(text: &str) -> Self {
        let mut count = 0;
        let counts = text.as_bytes().chunks(STEP).map(|chunk| {
            let before = count;
            count += starts(chunk);
            before
        });
        Self(counts.collect())
    }

    /// The number of characters before byte `at`, which is a character boundary of the same text.
    pub(super) fn at(&self, text: &str, at: usize) -> usize {
        let step = (at / STEP).min(self.0.len().saturating_sub(1));
        self.0.get(step).map_or(0, |before| before + starts(&text.as_bytes()[step * STEP..at]))
    }
}

/// Characters that begin in these bytes.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| b & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_as_the_characters_do(text in "[aä中😀]{0,1500}") {
            let offsets = CharacterOffsets::new(&text);
            for (n, (at, _)) in text.char_indices().enumerate().step_by(97) {
                prop_assert_eq!(offsets.at(&text, at), n);
            }
            prop_assert_eq!(offsets.at(&text, text.len()), text.chars().count());
        }
    }
}
