//! What a provider owes: requests that it counts as answered and whose answers were not read. Absence of a line is no proof that
//! nothing was paid; only the provider's own count, or an error in a line, is. Pure.

use crate::remote::Counts;

/// Facts about the results of a batch that is over, once all of them were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// Requests of the batch.
    pub(super) requests: u64,
    /// Requests whose answer was read, in this run or before.
    pub(super) answered: u64,
    /// Requests of which no line speaks.
    pub(super) silent: u64,
    /// Lines that are of no request of ours, or cannot be read.
    pub(super) foreign: u64,
}

/// Meaning of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything is read; what no line speaks of was not done, as the provider itself counts.
    Whole,
    /// So many answers are paid for, by the provider's count, and not read: read again.
    Owed(u64),
    /// No line is of ours, and some are of nobody: reading again brings no more.
    Foreign,
}

/// The verdict. `complete` is false of a batch that was cancelled or ran out of time, which may hold less than was asked.
pub(super) fn verdict(read: Read, counts: Option<Counts>, complete: bool) -> Verdict {
    if read.silent == 0 {
        return Verdict::Whole;
    }
    let owed = match counts {
        // A provider that counts nothing of a complete batch does not count.
        Some(counts) if counts.all() > 0 || !complete => {
            counts.succeeded.saturating_sub(read.answered).min(read.silent)
        }
        _ => read.silent,
    };
    match owed {
        0 => Verdict::Whole,
        _ if read.foreign > 0 && read.silent == read.requests => Verdict::Foreign,
        owed => Verdict::Owed(owed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answered: u64, silent: u64, counts: Option<(u64, u64)>, complete: bool) -> Verdict {
        let counts = counts.map(|(succeeded, failed)| Counts { succeeded, failed });
        verdict(Read { requests: 8, answered, silent, foreign: 0 }, counts, complete)
    }

    #[test]
    fn what_the_provider_counts_as_answered_is_owed_until_it_is_read() {
        assert_eq!(of(8, 0, None, true), Verdict::Whole);
        assert_eq!(of(0, 8, Some((8, 0)), true), Verdict::Owed(8), "no file yet");
        assert_eq!(of(4, 4, Some((8, 0)), true), Verdict::Owed(4), "a short file");
        assert_eq!(of(6, 2, Some((6, 2)), true), Verdict::Whole, "two failed, and no line says so");
        assert_eq!(of(5, 3, Some((6, 2)), true), Verdict::Owed(1));
        assert_eq!(of(6, 2, None, true), Verdict::Owed(2), "nobody says that they were not done");
        assert_eq!(of(0, 8, Some((0, 0)), true), Verdict::Owed(8), "who counts nothing does not count");
        assert_eq!(of(0, 8, Some((0, 0)), false), Verdict::Whole, "cancelled before anything was done");
        assert_eq!(of(3, 5, Some((3, 0)), false), Verdict::Whole);
        assert_eq!(of(2, 6, None, false), Verdict::Owed(6));
    }

    #[test]
    fn a_file_of_strangers_is_not_read_for_ever() {
        let read = |foreign, answered| Read { requests: 8, answered, silent: 8 - answered, foreign };
        let counts = Some(Counts { succeeded: 8, failed: 0 });
        assert_eq!(verdict(read(8, 0), counts, true), Verdict::Foreign);
        assert_eq!(verdict(read(1, 7), counts, true), Verdict::Owed(1));
        assert_eq!(verdict(read(0, 0), counts, true), Verdict::Owed(8));
    }
}
