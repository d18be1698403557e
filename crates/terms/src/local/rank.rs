//! The order of candidates.

use super::background::per_million;
use super::candidates::Candidate;
use super::tokenize::Tokens;

/// An own line that makes up more than one in this many lines is no title but a column's name or a running head,
const LINES_FOR_EACH_REPEAT: usize = 300;

/// unless it occurs this often at most.
const MOST_REPEATS: usize = 30;

/// Marks of a candidate from which its score comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// Share of occurrences that are no part of a longer run.
    pub(super) stand_alone: f64,
    /// Mean over its words of the logarithm of their rate here to that in ordinary prose.
    pub(super) weirdness: f64,
    /// Higher is better.
    pub(super) score: f64,
}

/// Logarithm (base 10) of a word's rate here to its rate in ordinary prose, by id; 0 for languages without counts.
pub(super) fn weirdness(tokens: &Tokens) -> Vec<f64> {
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

/// Sub-linear frequency x capitalisation x own line x standing alone x weirdness.
pub(super) fn marks(candidate: &Candidate, tokens: &Tokens, weirdness: &[f64]) -> Marks {
    let frequency = f64::from(candidate.frequency);
    let content = candidate.words.iter().filter(|&&w| !tokens.vocabulary[w as usize].function);
    let (sum, number) = content.fold((0.0, 0.0), |(sum, n), &w| (sum + weirdness[w as usize], n + 1.0));
    let mean = if number > 0.0 { sum / number } else { 0.0 };
    let (upper, lower) = (f64::from(candidate.capitalised), f64::from(candidate.lowercase));
    let capitals = (upper + 0.5) / (upper + lower + 2.0);
    let own_line = f64::from(candidate.own_line);
    let repeats = (tokens.lines.len() / LINES_FOR_EACH_REPEAT).max(MOST_REPEATS);
    let own_line_weight = if candidate.own_line as usize > repeats { 1.0 } else { 6.0 };
    let alone = f64::from(candidate.whole);
    let score = frequency.ln_1p().powf(0.7)
        * (0.25 + capitals)
        // The first own line says nearly all.
        * (1.0 + own_line_weight * own_line / (own_line + 1.0))
        * (0.2 + (alone + 0.3) / (frequency + 0.3))
        * (1.5 + mean.clamp(-1.4, 1.0));
    let plain_word = candidate.words.len() == 1 && mean < 0.5 && capitals < 0.3 && tokens.english;
    let score = if plain_word { 0.4 * score } else { score };
    // Logarithms may differ in the last bit between machines; rounded, equal candidates stay equal everywhere.
    Marks { stand_alone: alone / frequency, weirdness: mean, score: (score * 1e6).round() }
}
