//! Candidate terms: word sequences between stop words, lines that are nothing else, and capitalised names.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use super::pairs::PairHasher;
use super::said::{LOOKS, Run, Said};
use super::tokenize::{Line, Tokens, Word};

/// A word sequence up to inflection of its last word, with its counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    /// Folded words, the last one in its base form.
    pub(super) words: Vec<u32>,
    /// Occurrences.
    pub(super) frequency: u32,
    /// Occurrences as a line of their own.
    pub(super) own_line: u32,
    /// Occurrences inside a sentence with every word capitalised, particles aside.
    pub(super) capitalised: u32,
    /// Occurrences inside a sentence with a word in lower case.
    pub(super) lowercase: u32,
    /// Occurrences inside a sentence in which its first word has a capital that says something, and all others have one.
    pub(super) named: u32,
    /// Occurrences that are no part of a longer run of words.
    pub(super) whole: u32,
    /// Parts of the text in which it stands, a bit each: see [`PARTS`].
    pub(super) parts: u64,
    /// Occurrences in code.
    pub(super) code: u32,
    /// Occurrences inside sentences that are set apart, by their look.
    pub(super) emphasised: [u32; LOOKS],
    /// It is an abbreviation that is counted to the phrase that it stands for.
    pub(super) joined: bool,
    /// Index of the surest declaration of it.
    pub(super) declared: Option<usize>,
    /// Occurrences at the beginning of a line.
    opening: u32,
    /// Those of them whose line is text rather than a title.
    opening_text: u32,
}

impl Candidate {
    fn is_commoner(&self, other: &Self) -> bool {
        self.joined || self.frequency > other.frequency
    }
}

/// An occurrence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Index into the candidates.
    pub(super) candidate: u32,
    /// Index of its first word.
    pub(super) first: usize,
    /// Number of words.
    pub(super) length: usize,
    /// It is no part of a longer run.
    pub(super) whole: bool,
    /// It has a stop word inside.
    particles: bool,
    /// It is a line of its own.
    pub(super) own: bool,
}

const ROOT: u32 = 0;

/// Parts of equal length into which a text is cut, to see whether a term clusters.
pub(super) const PARTS: usize = 50;

/// A label opens at least one in this many lines,
const LINES_FOR_EACH_LABEL: usize = 300;

/// and at least this many.
const FEWEST_LABELS: u32 = 8;

/// Number of different continuations of a label, at least.
const FEWEST_CONTINUATIONS: u32 = 3;

type Pairs = HashMap<(u32, u32), u32, BuildHasherDefault<PairHasher>>;

/// All candidates of a text and the tree of their words.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// The candidates, in order of first sight.
    pub(super) all: Vec<Candidate>,
    /// (node, word) to the node after it.
    nodes: Pairs,
    /// (node, base of the last word) to the candidate.
    ends: Pairs,
    /// Most words of a candidate that the text's words alone make.
    longest: usize,
    /// Most words of a declared one.
    reach: usize,
}

impl Candidates {
    /// Collects and counts the candidates of `tokens`, none of more than `longest` words unless the author declares it.
    pub(super) fn collect(tokens: &Tokens, text: &str, longest: usize, said: &Said) -> Self {
        let runs = || {
            let emphasised = said.emphasised.iter().map(|(run, _)| *run);
            said.declared
                .iter()
                .map(|(run, _)| *run)
                .chain(emphasised)
                .chain(said.abbreviated.iter().map(|(phrase, _)| *phrase))
        };
        let reach = runs().map(|(_, length)| length).max().unwrap_or_default().max(longest);
        let mut candidates = Self { longest, reach, ..Self::default() };
        let mut titles = Vec::new();
        for (first, length) in runs() {
            candidates.insert(tokens, first, length);
        }
        for line in &tokens.lines {
            candidates.titles(tokens, text, line, &mut titles);
            for &(first, length) in &titles {
                candidates.insert(tokens, first, length);
            }
        }
        let mut found = Vec::new();
        for line in &tokens.lines {
            found.clear();
            candidates.titles(tokens, text, line, &mut titles);
            candidates.scan(tokens, line, &titles, true, &mut found);
            for f in &found {
                candidates.count(tokens, line, f);
            }
        }
        candidates.take_in(tokens, said);
        candidates
    }

    /// Notes what the author says of candidates.
    fn take_in(&mut self, tokens: &Tokens, said: &Said) {
        for (n, (run, declared)) in said.declared.iter().enumerate() {
            if let Some(id) = self.of_run(tokens, *run)
                && self.all[id].declared.is_none_or(|known| declared.source < said.declared[known].1.source)
            {
                self.all[id].declared = Some(n);
            }
        }
        for (run, look) in &said.emphasised {
            if let Some(id) = self.of_run(tokens, *run) {
                self.all[id].emphasised[*look as usize] += 1;
            }
        }
    }

    /// Counts what is said under an abbreviation to the phrase that it stands for.
    pub(super) fn join(&mut self, short: u32, phrase: u32) {
        let words = self.all[short as usize].words.clone();
        let said =
            std::mem::replace(&mut self.all[short as usize], Candidate { words, joined: true, ..Candidate::default() });
        let all = &mut self.all[phrase as usize];
        all.frequency += said.frequency;
        all.whole += said.whole;
        all.own_line += said.own_line;
        all.capitalised += said.capitalised;
        all.parts |= said.parts;
        all.code += said.code;
        all.declared = all.declared.or(said.declared);
    }

    /// The candidate of the words of a run.
    pub(super) fn of_run(&self, tokens: &Tokens, (first, length): Run) -> Option<usize> {
        let words: Vec<u32> = tokens.words[first..first + length].iter().map(|word| word.id).collect();
        self.find(tokens, &words)
    }

    /// All occurrences in text order, longer ones last where they begin together.
    pub(super) fn occurrences(&mut self, tokens: &Tokens, mut visit: impl FnMut(&Line, Found)) {
        let mut found = Vec::new();
        for line in &tokens.lines {
            found.clear();
            self.scan(tokens, line, &[], false, &mut found);
            found.sort_by_key(|f| (f.first, f.length));
            for f in &found {
                visit(line, *f);
            }
        }
    }

    /// The parts of a line that are titles: all of an own line, each piece between the breaks of a heading, what stands
    /// before the first full stop of a paragraph when it is written like a title ("Keen Smell. The wolf ...").
    fn titles(&self, tokens: &Tokens, text: &str, line: &Line, titles: &mut Vec<(usize, usize)>) {
        titles.clear();
        if line.own {
            titles.extend(self.title(tokens, line.words.clone(), line));
        } else if line.heading {
            let mut start = line.words.start;
            for end in line.words.start + 1..=line.words.end {
                if end == line.words.end || !tokens.words[end].adjoins {
                    titles.extend(self.title(tokens, start..end, line));
                    start = end;
                }
            }
        } else {
            titles.extend(self.run_in(tokens, text, line));
        }
    }

    /// A title at the beginning of a paragraph.
    fn run_in(&self, tokens: &Tokens, text: &str, line: &Line) -> Option<(usize, usize)> {
        let start = line.words.start;
        let end = (start + 1..line.words.end).take(self.longest).find(|&i| !tokens.words[i].adjoins)?;
        let stopped = text[tokens.words[end - 1].end as usize..].starts_with('.') && tokens.words[end].opens;
        let capitals =
            (start..end).all(|i| tokens.words[i].upper || tokens.entry(i).function || tokens.words[i].hyphen);
        if stopped && capitals { self.title(tokens, start..end, line) } else { None }
    }

    /// A range of words without its leading articles, if they can be a term.
    fn title(&self, tokens: &Tokens, words: Range<usize>, line: &Line) -> Option<(usize, usize)> {
        let function = |i: usize| tokens.entry(i).function && !tokens.words[i].hyphen && !tokens.continues(i + 1, line);
        let first = words.clone().find(|&i| !function(i))?;
        let length = words.end - first;
        let says =
            if length == 1 { tokens.may_stand_alone(first) } else { (first..words.end).any(|i| tokens.entry(i).alone) };
        (length <= self.longest && says && !function(words.end - 1)).then_some((first, length))
    }

    fn node(&mut self, from: u32, word: u32, insert: bool) -> Option<u32> {
        let next = u32::try_from(self.nodes.len() + 1).ok()?;
        if insert {
            return Some(*self.nodes.entry((from, word)).or_insert(next));
        }
        self.nodes.get(&(from, word)).copied()
    }

    fn end(&mut self, tokens: &Tokens, from: u32, first: usize, length: usize, insert: bool) -> Option<u32> {
        let last = tokens.entry(first + length - 1).base;
        if let Some(&known) = self.ends.get(&(from, last)) {
            return Some(known);
        }
        if !insert {
            return None;
        }
        let id = u32::try_from(self.all.len()).ok()?;
        let mut words: Vec<_> = tokens.words[first..first + length].iter().map(|w| inner(tokens, w.id)).collect();
        words[length - 1] = last;
        self.ends.insert((from, last), id);
        self.all.push(Candidate { words, ..Candidate::default() });
        Some(id)
    }

    fn insert(&mut self, tokens: &Tokens, first: usize, length: usize) {
        let mut node = ROOT;
        for word in &tokens.words[first..first + length - 1] {
            let Some(next) = self.node(node, inner(tokens, word.id), true) else { return };
            node = next;
        }
        self.end(tokens, node, first, length, true);
    }

    /// Finds the candidates of a line; with `insert`, takes in those not seen before.
    fn scan(&mut self, tokens: &Tokens, line: &Line, titles: &[(usize, usize)], insert: bool, found: &mut Vec<Found>) {
        let words = &tokens.words;
        // A run of content words: no stop word and nothing but spaces and hyphens inside.
        let mut run = line.words.start..line.words.start;
        let mut holds_a_name = false;
        for first in line.words.clone() {
            if first >= run.end {
                run = first..first;
                while run.end < line.words.end
                    && (run.is_empty() || words[run.end].adjoins)
                    && tokens.is_content(run.end)
                {
                    run.end += 1;
                }
                holds_a_name = tokens.english && holds_a_name_in(words, &run);
            }
            if words[first].hyphen || (tokens.entry(first).function && !tokens.continues(first + 1, line)) {
                continue;
            }
            let mut node = ROOT;
            let mut name = words[first].upper && !tokens.entry(first).function;
            let end = line.words.end.min(first.saturating_add(self.reach));
            for (last, word) in words.iter().enumerate().take(end).skip(first) {
                if last > first && !word.adjoins {
                    break;
                }
                let entry = tokens.entry(last);
                let content = last < run.end;
                // Particles join a name: "Cone of Cold".
                name = name && (word.upper || (last > first && tokens.is_particle(last)));
                let whole_words = !tokens.continues(last + 1, line);
                if whole_words && (content || !entry.function) {
                    let grow = insert && last < first + self.longest && (content || (name && word.upper));
                    let long_enough = last > first || tokens.may_stand_alone(last);
                    if long_enough && let Some(candidate) = self.end(tokens, node, first, last + 1 - first, grow) {
                        let length = last + 1 - first;
                        let whole = !content
                            || (first == run.start && last + 1 == run.end && !holds_a_name)
                            || (tokens.english && is_name_in(words, &run, first, last));
                        found.push(Found {
                            candidate,
                            first,
                            length,
                            whole,
                            particles: !content,
                            own: titles.contains(&(first, length)),
                        });
                    }
                }
                let grow = insert && last < first + self.longest && (content || name);
                match self.node(node, inner(tokens, word.id), grow) {
                    Some(next) => node = next,
                    None => break,
                }
            }
        }
        mark_nested(line, found);
    }

    fn count(&mut self, tokens: &Tokens, line: &Line, found: &Found) {
        let candidate = &mut self.all[found.candidate as usize];
        candidate.frequency += 1;
        candidate.whole += u32::from(found.whole);
        candidate.parts |= 1 << (found.first * PARTS / tokens.words.len().max(1));
        candidate.code += u32::from(tokens.words[found.first].code);
        let opening = found.first == line.words.start;
        candidate.opening += u32::from(opening);
        candidate.opening_text += u32::from(opening && !line.own && !line.heading);
        candidate.own_line += u32::from(found.own);
        if line.own || line.heading || found.own {
            return;
        }
        let mut words = (found.first..found.first + found.length)
            .filter(|&i| !tokens.words[i].opens && !tokens.is_particle(i))
            .peekable();
        if words.peek().is_none() {
            return;
        }
        if words.all(|i| tokens.words[i].upper) {
            candidate.capitalised += 1;
            candidate.named += u32::from(!tokens.words[found.first].opens);
        } else {
            candidate.lowercase += 1;
        }
    }

    /// The candidate of these words, the last one in any inflection.
    fn find(&self, tokens: &Tokens, words: &[u32]) -> Option<usize> {
        let (last, before) = words.split_last()?;
        let node = before.iter().try_fold(ROOT, |node, word| self.nodes.get(&(node, inner(tokens, *word))).copied())?;
        self.ends.get(&(node, tokens.vocabulary[*last as usize].base)).map(|&id| id as usize)
    }

    /// Flags of the candidates that say nothing beyond others: a join of two of them ("dorothy and toto"), a numbered
    /// title ("chapter xix"), a label of the layout before something ("skills perception"), a part that hardly ever
    /// leaves a longer one ("frightful" of "frightful presence").
    pub(super) fn redundant(&self, tokens: &Tokens) -> Vec<bool> {
        let mut redundant = vec![false; self.all.len()];
        let labels = self.labels(tokens);
        for (id, candidate) in self.all.iter().enumerate() {
            let words = candidate.words.as_slice();
            redundant[id] |= candidate.own_line == 0 && self.is_join(tokens, candidate);
            redundant[id] |= is_numbered(tokens, candidate) || is_furniture(tokens, candidate);
            redundant[id] |=
                !words.iter().any(|&word| tokens.vocabulary[word as usize].alone) && candidate.declared.is_none();
            redundant[id] |= self.is_abbreviation_with_verb(tokens, candidate);
            for cut in 1..words.len() {
                let labelled = self.find(tokens, &words[..cut]).is_some_and(|label| labels[label]);
                redundant[id] |= labelled && candidate.opening == candidate.frequency;
            }
            if words.len() > 1 && candidate.frequency > 1 {
                for part in
                    [&words[..words.len() - 1], &words[1..]].into_iter().filter_map(|part| self.find(tokens, part))
                {
                    let inner = &self.all[part];
                    let bound = inner.whole * 10 < inner.frequency && candidate.frequency * 10 > inner.frequency * 9;
                    redundant[part] |= bound && inner.own_line == 0;
                }
            }
        }
        redundant
    }

    /// Test whether a candidate is an abbreviation with what it does once: "HP falls".
    fn is_abbreviation_with_verb(&self, tokens: &Tokens, candidate: &Candidate) -> bool {
        let [short, _] = candidate.words.as_slice() else { return false };
        let alone = self.find(tokens, &[*short]).is_some_and(|id| self.all[id].is_commoner(candidate));
        let text = |word: u32| &*tokens.vocabulary[word as usize].text;
        alone && text(*short).len() <= 3 && candidate.frequency == 1 && candidate.own_line == 0
    }

    fn is_join(&self, tokens: &Tokens, candidate: &Candidate) -> bool {
        let commoner = |words: &[u32]| self.find(tokens, words).is_some_and(|id| self.all[id].is_commoner(candidate));
        candidate.words.iter().enumerate().any(|(i, &word)| {
            matches!(
                &*tokens.vocabulary[word as usize].text,
                "and" | "or" | "y" | "e" | "et" | "und" | "o" | "ou" | "oder"
            ) && commoner(&candidate.words[..i])
                && commoner(&candidate.words[i + 1..])
        })
    }

    /// Flags of the candidates that are labels of a recurring layout: they open many lines, not all of them titles, go
    /// on in different ways, and seldom stand elsewhere.
    fn labels(&self, tokens: &Tokens) -> Vec<bool> {
        let mut continuations = vec![0_u32; self.all.len()];
        for candidate in self.all.iter().filter(|c| c.words.len() > 1 && c.opening == c.frequency) {
            if let Some(label) = self.find(tokens, &candidate.words[..candidate.words.len() - 1]) {
                continuations[label] += 1;
            }
        }
        let many = u32::try_from(tokens.lines.len() / LINES_FOR_EACH_LABEL).unwrap_or(u32::MAX).max(FEWEST_LABELS);
        let label = |(c, n): (&Candidate, u32)| {
            n >= FEWEST_CONTINUATIONS
                && c.opening >= many
                && c.opening * 2 >= c.frequency
                && c.opening_text * 3 >= c.opening
        };
        self.all.iter().zip(continuations).map(label).collect()
    }
}

/// The word under which another stands inside a term: in languages whose adjectives follow their nouns, its base.
fn inner(tokens: &Tokens, word: u32) -> u32 {
    if tokens.english { word } else { tokens.vocabulary[word as usize].base }
}

/// Test whether the words from `first` to `last` are a name in a run whose other words are no part of it: "know Magic Missile well".
fn is_name_in(words: &[Word], run: &Range<usize>, first: usize, last: usize) -> bool {
    let upper = |at: usize| words[at].upper;
    !words[first].opens
        && (first..=last).all(upper)
        && (first == run.start || !upper(first - 1))
        && (last + 1 == run.end || !upper(last + 1))
}

/// Test whether a run is a name of several words and other words beside it.
fn holds_a_name_in(words: &[Word], run: &Range<usize>) -> bool {
    let upper = |at: usize| words[at].upper;
    let begins = |at: &usize| upper(*at) && !words[*at].opens && (*at == run.start || !upper(at - 1));
    run.clone().filter(begins).any(|at| {
        let end = (at..run.end).find(|&next| !upper(next)).unwrap_or(run.end);
        end - at > 1 && end - at < run.len()
    })
}

/// Takes the mark `whole` from what lies inside a longer name or title of the line, and from what overlaps a name with
/// particles ("cold takes damage" after "cone of").
fn mark_nested(line: &Line, found: &mut [Found]) {
    let base = line.words.start;
    let mut reach = vec![(0, 0); line.words.len()];
    for f in found.iter().filter(|f| f.whole && f.length > 1) {
        let own = &mut reach[f.first - base].1;
        *own = (*own).max(f.first + f.length);
    }
    for i in 1..reach.len() {
        reach[i].0 = reach[i - 1].0.max(reach[i - 1].1);
    }
    let mut held: Vec<Option<(usize, usize)>> = vec![None; line.words.len()];
    for f in found.iter().filter(|f| f.particles) {
        for slot in &mut held[f.first - base..f.first - base + f.length] {
            if slot.is_none_or(|(start, end)| end - start < f.length) {
                *slot = Some((f.first, f.first + f.length));
            }
        }
    }
    for f in found {
        let end = f.first + f.length;
        let (before, here) = reach[f.first - base];
        let enters = held[f.first - base].is_some_and(|(start, stop)| start < f.first && stop < end);
        let leaves = held[end - 1 - base].is_some_and(|(start, stop)| start > f.first && stop > end);
        f.whole &= f.own || (before < end && here <= end && !enters && !leaves);
    }
}

/// Test whether a candidate is a title of a book's furniture.
fn is_furniture(tokens: &Tokens, candidate: &Candidate) -> bool {
    let words: Vec<&str> = candidate.words.iter().map(|&word| &*tokens.vocabulary[word as usize].text).collect();
    super::closed_words::is_furniture(&words.join(" "))
}

/// Test whether a title is no more than a word and its number: "Chapter XIX", "Part Two".
fn is_numbered(tokens: &Tokens, candidate: &Candidate) -> bool {
    let [_, number] = candidate.words.as_slice() else { return false };
    let number = &*tokens.vocabulary[*number as usize].text;
    let roman = number.bytes().all(|b| matches!(b, b'i' | b'v' | b'x' | b'l' | b'c'));
    let counted = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen \
        twenty first second third fourth fifth sixth seventh eighth ninth tenth";
    candidate.own_line * 2 >= candidate.frequency && (roman || counted.split_whitespace().any(|w| w == number))
}
