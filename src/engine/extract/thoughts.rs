//! Room for thoughts: models that think count thoughts as output, and with too little room they end before the first word of the
//! answer, which is paid for all the same. <https://github.com/googleapis/python-genai/issues/2062>

use std::sync::atomic::{AtomicU32, Ordering};

/// Room in tokens from the first answer on that thoughts have eaten whole: what vendors let their models think by default.
const FIRST: u32 = 16_384;

/// Most room: more than any model of today may say.
const MOST: u32 = 131_072;

/// Room that each request of a run gets beside the output budget of its answer, as the answers so far have shown.
#[derive(Debug, Default)]
pub(in crate::engine) struct ThoughtRoom(AtomicU32);

impl ThoughtRoom {
    /// Tokens for thoughts in the next request.
    pub(super) fn tokens(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes note of an answer with so many tokens of thought to a request that had `room` for them. `eaten` says that nothing was
    /// left for the answer: the room grows at once and far enough. True if a request of this kind has more room from now on.
    pub(super) fn hear(&self, thoughts: u64, eaten: bool, room: u32) -> bool {
        if thoughts == 0 {
            return false;
        }
        let wanted =
            if eaten { room.saturating_mul(2).max(FIRST) } else { u32::try_from(thoughts * 3 / 2).unwrap_or(MOST) };
        let wanted = wanted.min(MOST);
        self.0.fetch_max(wanted, Ordering::Relaxed);
        self.tokens() > room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_grows_far_enough_at_once_and_has_an_end() {
        let room = ThoughtRoom::default();
        assert!(!room.hear(0, true, 0) && room.tokens() == 0, "a model that does not think needs none");
        assert!(room.hear(2_048, true, 0) && room.tokens() == FIRST);
        // Answers to requests that were sent before are no news.
        assert!(room.hear(2_048, true, 0) && room.tokens() == FIRST);
        assert!(room.hear(16_000, true, FIRST) && room.tokens() == 2 * FIRST);
        assert!(!room.hear(9_000, false, 2 * FIRST) && room.tokens() == 2 * FIRST);
        for _ in 0..40 {
            room.hear(1, true, room.tokens());
        }
        assert!(room.tokens() == MOST && !room.hear(1, true, MOST), "there is an end to it");
    }
}
