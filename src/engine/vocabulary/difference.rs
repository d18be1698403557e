//! What two masters say differently: of two runs, two prompts, two models over the same books.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::consolidate::ConsolidateError;
use super::master::Master;
use crate::store::{MergedRuns, RunRecord, RunSorter};
use crate::values::MasterEntry;

/// Share of a list by which a term has to go up or down to count as moved: what comes in above it moves every term a little.
const MOVED: f64 = 0.05;

/// A term as far as two masters are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Place in the order of its master, from 1.
    pub rank: u64,
    /// Display form.
    pub text: String,
    /// Kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

impl From<MasterEntry> for Compared {
    fn from(entry: MasterEntry) -> Self {
        let MasterEntry { rank, text, kind, category, definition, .. } = entry;
        Self { rank, text, kind, category, definition }
    }
}

/// A term that the masters do not have alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Comparison form.
    pub canonical: String,
    /// What the first master says, if it has the term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Compared>,
    /// What the second says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Compared>,
}

/// Way in which masters differ on a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Gone,
    /// It stands much higher or lower.
    Moved,
    /// Its definition is another.
    Definition,
    /// Its kind is another.
    Kind,
    /// Its category is another.
    Category,
}

impl Way {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Added, Self::Gone, Self::Moved, Self::Definition, Self::Kind, Self::Category];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Definition => "definition",
            Self::Kind => "kind",
            Self::Category => "category",
        }
    }
}

/// Differences of one way.
#[derive(Debug, Default)]
pub struct Differences {
    /// All of them.
    pub count: u64,
    most: BinaryHeap<Weighed>,
}

impl Differences {
    /// Those that weigh most, the weightiest first: terms that stand high, and of moved ones those that moved furthest.
    pub fn most(self) -> Vec<Difference> {
        self.most.into_sorted_vec().into_iter().map(|weighed| weighed.difference).collect()
    }
}

#[derive(Debug)]
struct Weighed {
    /// Smaller is weightier.
    weight: u64,
    difference: Difference,
}

impl Ord for Weighed {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.weight, &self.difference.canonical).cmp(&(other.weight, &other.difference.canonical))
    }
}

impl PartialOrd for Weighed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Weighed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Weighed {}

/// Comparison of two masters.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Terms of the first and of the second.
    pub terms: [u64; 2],
    /// Terms on which both say the same, but for their places.
    pub same: u64,
    ways: [Differences; Way::ALL.len()],
}

impl Comparison {
    /// Compares two masters by sorted runs in `scratch`; of each way at most `most` differences are kept, so memory does not grow with the
    /// terms.
    ///
    /// # Errors
    /// If one cannot be read, or `scratch` not written.
    pub fn of([one, two]: [&mut Master; 2], most: usize, scratch: &Path) -> Result<Self, ConsolidateError> {
        let mut comparison = Self::default();
        let (one, first) = sorted(one, scratch, "one")?;
        let (two, second) = sorted(two, scratch, "two")?;
        comparison.terms = [first, second];
        let (mut one, mut two) = (MergedRuns::open(&one)?, MergedRuns::open(&two)?);
        let (mut before, mut after) = (one.advance()?, two.advance()?);
        loop {
            let order = match (&before, &after) {
                (None, None) => return Ok(comparison),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((one, _)), Some((two, _))) => one.cmp(two),
            };
            let left = if order.is_le() { std::mem::replace(&mut before, one.advance()?) } else { None };
            let right = if order.is_ge() { std::mem::replace(&mut after, two.advance()?) } else { None };
            comparison.take(left, right, most);
        }
    }

    /// Differences of one way.
    pub fn differences(&self, way: Way) -> &Differences {
        &self.ways[way as usize]
    }

    /// The same, taken out.
    pub fn take_differences(&mut self, way: Way) -> Differences {
        std::mem::take(&mut self.ways[way as usize])
    }

    /// Test whether both masters say the same of the same terms. Places alone are no difference.
    pub fn are_alike(&self) -> bool {
        Way::ALL.iter().all(|way| *way == Way::Moved || self.differences(*way).count == 0)
    }

    fn take(&mut self, left: Option<RunRecord>, right: Option<RunRecord>, most: usize) {
        let canonical = left.as_ref().or(right.as_ref()).map(|(key, _)| String::from_utf8_lossy(key).into_owned());
        let compared = |record: Option<RunRecord>| record.and_then(|(_, json)| serde_json::from_slice(&json).ok());
        let (before, after): (Option<Compared>, Option<Compared>) = (compared(left), compared(right));
        let ways = self.ways_of(before.as_ref(), after.as_ref());
        self.same += u64::from(!ways.iter().any(|(way, _)| *way != Way::Moved));
        let difference = Difference { canonical: canonical.unwrap_or_default(), before, after };
        for (way, weight) in ways {
            let differences = &mut self.ways[way as usize];
            differences.count += 1;
            differences.most.push(Weighed { weight, difference: difference.clone() });
            if differences.most.len() > most {
                differences.most.pop();
            }
        }
    }

    /// Ways in which two statements differ, with their weights.
    fn ways_of(&self, before: Option<&Compared>, after: Option<&Compared>) -> Vec<(Way, u64)> {
        let (one, two) = match (before, after) {
            (None, None) => return Vec::new(),
            (None, Some(two)) => return vec![(Way::Added, two.rank)],
            (Some(one), None) => return vec![(Way::Gone, one.rank)],
            (Some(one), Some(two)) => (one, two),
        };
        let mut ways = Vec::new();
        let share = |rank: u64, of: u64| rank as f64 / of.max(1) as f64;
        let way = (share(one.rank, self.terms[0]) - share(two.rank, self.terms[1])).abs();
        if way > MOVED {
            // What moved furthest comes first; a millionth is exact enough.
            ways.push((Way::Moved, 1_000_000 - (way * 1e6).min(1e6) as u64));
        }
        let best = one.rank.min(two.rank);
        for (way, differs) in [
            (Way::Definition, one.definition != two.definition),
            (Way::Kind, one.kind != two.kind),
            (Way::Category, one.category != two.category),
        ] {
            if differs {
                ways.push((way, best));
            }
        }
        ways
    }
}

fn sorted(master: &mut Master, scratch: &Path, name: &str) -> Result<(Vec<std::path::PathBuf>, u64), ConsolidateError> {
    let mut sorter = RunSorter::new(scratch, name, 0);
    let mut terms = 0;
    master.each(&mut |_, entry| {
        terms += 1;
        let canonical = entry.canonical.clone();
        let json = serde_json::to_vec(&Compared::from(entry)).expect("string keys and whole numbers");
        sorter.push(canonical.as_bytes(), &json)?;
        Ok::<_, ConsolidateError>(true)
    })?;
    Ok((sorter.finish()?.0, terms))
}
