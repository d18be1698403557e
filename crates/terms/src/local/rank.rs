//! The order of candidates. The book teaches its own: what its marks mean, and whether its terms own lines, is read off the book before
//! anything is weighed.

use corpora_values::DefinitionSource;

use super::candidates::{Candidate, Candidates, PARTS};
use super::said::{LOOKS, Said};
use super::tokenize::Tokens;
use corpora_values::english::per_million;

/// An own line that makes up more than one in this many lines is no title but a column's name or a running head,
const LINES_FOR_EACH_REPEAT: usize = 300;

/// unless it occurs this often at most.
const MOST_REPEATS: usize = 30;

/// Marks of a candidate from which its score comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// Share of occurrences that are no part of a longer run.
    pub(super) stand_alone: f64,
    /// Logarithm of the rate of its rarest word here to that in ordinary prose.
    pub(super) weirdness: f64,
    /// Share of the parts of the text in which it could stand that it stands in.
    pub(super) dispersion: f64,
    /// Higher is better.
    pub(super) score: f64,
}

/// Manner of a book, read off it.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    /// Rates by word, logarithms of their rate here to that in ordinary prose; 0 for languages without counts.
    pub(super) weirdness: Vec<f64>,
    /// How far a look means "a term that is explained here", 0 to 1.
    pub(super) trust: [f64; LOOKS],
    /// Share of its terms that own a line.
    pub(super) titled: f64,
    /// Length of the text, 0 to 1: in a short one nothing clusters.
    size: f64,
    repeats: usize,
}

/// Words of a text in which nothing clusters yet, and from which on clustering says all that it can.
const SHORT: f64 = 1_000.0;
const LONG: f64 = 20_000.0;

impl Marks {
    /// The score between 0 and 1, one that can be held against that of another document.
    pub(super) fn share(&self) -> f64 {
        self.score / (self.score + EVEN)
    }
}

/// Score at which a candidate is as likely a term as not, about.
const EVEN: f64 = 4.0;

/// Distinct runs in one look, at least, before the look means anything.
const FEWEST_MARKED: u32 = 12;

impl Manner {
    pub(super) fn of(tokens: &Tokens, candidates: &Candidates, said: &Said) -> Self {
        let weirdness = weirdness(tokens);
        let mut trust = [0.0; LOOKS];
        for (look, trust) in trust.iter_mut().enumerate() {
            *trust = trust_in(candidates, said, look);
        }
        let repeats = (tokens.lines.len() / LINES_FOR_EACH_REPEAT).max(MOST_REPEATS);
        let titled = titled(candidates, repeats);
        let size = ramp(tokens.words.len() as f64, SHORT, LONG);
        Self { weirdness, trust, titled, size, repeats }
    }
}

/// Trust in a look. An author who sets terms apart where they are explained does so once or twice for each and uses it plainly afterwards,
/// and some of these terms own headings or stand in the glossary; who sets apart titles, stress, numbers or items does not.
fn trust_in(candidates: &Candidates, said: &Said, look: usize) -> f64 {
    let (mut distinct, mut marks, mut plain, mut titled, mut glossed) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut glossary = 0_u32;
    for candidate in &candidates.all {
        let is_glossed = candidate.declared.is_some_and(|n| said.declared[n].1.source == DefinitionSource::Glossary);
        glossary += u32::from(is_glossed);
        let marked = candidate.emphasised[look];
        if marked == 0 {
            continue;
        }
        distinct += 1;
        marks += marked;
        plain += u32::from(marked <= 2 && candidate.frequency > marked);
        titled += u32::from(candidate.own_line > 0);
        glossed += u32::from(is_glossed);
    }
    if distinct < FEWEST_MARKED {
        return 0.0;
    }
    let share = |n: u32| f64::from(n) / f64::from(distinct);
    let again = f64::from(marks) / f64::from(distinct);
    let once = ramp(share(plain), 0.55, 0.7) * ramp(again, 2.6, 1.9) * ramp(share(titled), 0.03, 0.08);
    match glossary {
        // The glossary says what the marks mean.
        30.. => ramp(share(glossed), 0.1, 0.4).max(once * ramp(share(glossed), 0.02, 0.1)),
        _ => once,
    }
}

/// 0 up to `from`, 1 from `to` on; falling if `to` is less.
fn ramp(value: f64, from: f64, to: f64) -> f64 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

/// Share of titled terms of a book of which nothing is known, and as how many terms that counts.
const USUALLY_TITLED: f64 = 0.35;
const FEWEST_TITLED: f64 = 10.0;

/// Share of the likely terms of a text that own a line: those that stand alone several times.
fn titled(candidates: &Candidates, repeats: usize) -> f64 {
    let (mut all, mut titled) = (0_u32, 0_u32);
    for candidate in candidates.all.iter().filter(|c| c.whole >= 3 && c.words.len() > 1) {
        all += 1;
        titled += u32::from(candidate.own_line > 0 && candidate.own_line as usize <= repeats);
    }
    (f64::from(titled) + USUALLY_TITLED * FEWEST_TITLED) / (f64::from(all) + FEWEST_TITLED)
}

/// Logarithm (base 10) of a word's rate here to its rate in ordinary prose, by id; 0 for languages without counts.
fn weirdness(tokens: &Tokens) -> Vec<f64> {
    let total = tokens.words.len().max(1) as f64;
    let mut weirdness = vec![0.0; tokens.vocabulary.len()];
    if tokens.english {
        for (weirdness, entry) in weirdness.iter_mut().zip(&tokens.vocabulary) {
            let here = f64::from(entry.count.max(1)) * 1e6 / total;
            *weirdness = ((here + 1.0) / (per_million(&entry.text) + 1.0)).log10();
        }
    }
    weirdness
}

/// Share of titled terms from which on a book is one of names with lines of their own, as rulebooks are.
const TITLED: f64 = 0.45;

/// Weight of a trusted look: what is set apart where it is explained comes before all that is not.
const EMPHASIS: f64 = 60.0;

/// Trust below which a look says nothing.
const LEAST_TRUST: f64 = 0.3;

/// Marks of a candidate and its score: a product, so that each mark says how many times likelier a term is.
pub(super) fn marks(candidate: &Candidate, tokens: &Tokens, manner: &Manner, said: &Said) -> Marks {
    let frequency = f64::from(candidate.frequency);
    let content = || candidate.words.iter().filter(|&&w| !tokens.vocabulary[w as usize].function);
    let weird = |w: &u32| manner.weirdness[*w as usize];
    let number = content().count().max(1) as f64;
    let mean = content().map(weird).sum::<f64>() / number;
    let rarest = content().map(weird).fold(f64::NEG_INFINITY, f64::max);
    let rarest = if rarest.is_finite() { rarest } else { 0.0 };
    let (upper, lower) = (f64::from(candidate.capitalised), f64::from(candidate.lowercase));
    let capitals = (upper + 0.5) / (upper + lower + 2.0);
    let own_line = f64::from(candidate.own_line);
    let own_line_weight = if candidate.own_line as usize > manner.repeats { 1.0 } else { 6.0 };
    let alone = f64::from(candidate.whole);
    let dispersion = f64::from(candidate.parts.count_ones()) / frequency.min(PARTS as f64);
    // In a book whose terms own no lines, lines are sections, and capitals are names of people and places.
    let named = (manner.titled / TITLED).min(1.0);
    let clusters = (LEAST_CLUSTER + clustering(candidate))
        .powf(CLUSTER * (1.0 - manner.titled / FULLY_TITLED).max(0.0) * manner.size);
    let trust = (0..LOOKS).filter(|&look| candidate.emphasised[look] > 0).map(|look| manner.trust[look]);
    let trust = trust.fold(0.0, f64::max);
    let trust = if trust < LEAST_TRUST { 0.0 } else { trust };
    let declared = candidate.declared.map(|n| said.declared[n].1.source);
    let source = match declared {
        Some(DefinitionSource::Glossary) => 2.0 * EMPHASIS,
        Some(DefinitionSource::Emphasis) => EMPHASIS,
        _ => 1.0,
    };
    let code = f64::from(candidate.code) / frequency;
    let plain = candidate.words.len() == 1 && mean < 0.5 && capitals < 0.3 && tokens.english;
    let score = frequency.ln_1p().powf(FREQUENCY)
        * (0.25 + CAPITALS * named * capitals)
        // The first own line says nearly all.
        * (1.0 + OWN_LINE * named * own_line_weight * own_line / (own_line + 1.0))
        * (0.2 + (alone + 0.3) / (frequency + 0.3))
        * (1.5 + rarest.clamp(-1.4, 1.0))
        * clusters
        * (1.0 + EMPHASIS * trust).max(source)
        * (1.0 - CODE * code)
        * if plain { PLAIN_WORD } else { 1.0 }
        * form(candidate, tokens);
    // Logarithms may differ in the last bit between machines; rounded, equal candidates stay equal everywhere.
    Marks { stand_alone: alone / frequency, weirdness: rarest, dispersion, score: (score * 1e6).round() / 1e6 }
}

/// Weights, found by trial on books of several kinds.
const FREQUENCY: f64 = 0.6;
const CAPITALS: f64 = 0.5;
const OWN_LINE: f64 = 1.8;
const CLUSTER: f64 = 3.0;
const LEAST_CLUSTER: f64 = 0.165;
const CODE: f64 = 0.95;
const PLAIN_WORD: f64 = 0.379;

/// Share of titled terms from which on clustering says nothing: such a book has its terms in its lines.
const FULLY_TITLED: f64 = 0.74;

/// Clustering of a term of which nothing is known, and as how many occurrences that counts.
const USUAL_CLUSTERING: f64 = 0.245;
const USUAL_WEIGHT: f64 = 9.18;

/// Clustering: how many fewer parts of the text a candidate stands in than it would if its occurrences were strewn, as a share. Terms
/// cluster where they are treated, ordinary words are everywhere.
fn clustering(candidate: &Candidate) -> f64 {
    let frequency = f64::from(candidate.frequency);
    let strewn = PARTS as f64 * (1.0 - (1.0 - 1.0 / PARTS as f64).powf(frequency));
    let seen = (1.0 - f64::from(candidate.parts.count_ones()) / strewn).max(0.0);
    (seen * frequency + USUAL_CLUSTERING * USUAL_WEIGHT) / (frequency + USUAL_WEIGHT)
}

/// Weight of a form that is seldom a term: "barked", "slowly", "dog barked". What owns a line or is set apart is judged by that.
fn form(candidate: &Candidate, tokens: &Tokens) -> f64 {
    let is_shown =
        candidate.own_line > 0 || candidate.declared.is_some() || candidate.emphasised.iter().any(|&n| n > 0);
    if is_shown || candidate.capitalised > candidate.lowercase {
        return 1.0;
    }
    // A German noun has a capital.
    if tokens.language == "de" && candidate.words.len() == 1 && candidate.lowercase > 0 {
        return 0.1;
    }
    if !tokens.english {
        return 1.0;
    }
    let text = |n: usize| candidate.words.get(n).map_or("", |&w| &*tokens.vocabulary[w as usize].text);
    let (first, last) = (text(0), text(candidate.words.len() - 1));
    let is_verbal = |word: &str, ending: &str| word.len() > 4 && word.ends_with(ending) && !word.ends_with("eed");
    match candidate.words.len() {
        1 if is_verbal(first, "ed") || is_verbal(first, "ly") => 0.1,
        1 if is_verbal(first, "ing") => 0.3,
        1 => 1.0,
        _ if is_verbal(last, "ed") || is_verbal(last, "ly") || is_verbal(first, "ly") => 0.2,
        _ => 1.0,
    }
}
