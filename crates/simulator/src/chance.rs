//! Chance that repeats: numbers from a seed and words.

use sha2::{Digest, Sha256};

/// A number from 0 to below 1, a function of its arguments.
pub(super) fn uniform(seed: u64, request: u64, attempt: u32, what: &str) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(request.to_le_bytes());
    hash.update(attempt.to_le_bytes());
    hash.update(what.as_bytes());
    let bytes: [u8; 8] = hash.finalize()[..8].try_into().expect("8 of 32 bytes");
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A log-normal number with this median and this ratio of the 99th percentile to the median.
pub(super) fn log_normal(median: f64, p99_over_median: f64, u: f64, v: f64) -> f64 {
    /// The 99th percentile of the standard normal distribution.
    const Z99: f64 = 2.326_347_874;
    let sigma = p99_over_median.max(1.0).ln() / Z99;
    let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    median * (sigma * normal).exp()
}

/// The first 8 bytes of a digest as a number.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    u64::from_le_bytes(hash.finalize()[..8].try_into().expect("8 of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_where_it_was_asked_for() {
        let mut sample: Vec<f64> =
            (0..20_000).map(|n| log_normal(6.0, 40.0 / 6.0, uniform(1, n, 0, "u"), uniform(1, n, 0, "v"))).collect();
        sample.sort_by(f64::total_cmp);
        let (median, p99) = (sample[10_000], sample[19_800]);
        assert!((5.8..6.2).contains(&median) && (36.0..44.0).contains(&p99), "{median} {p99}");
    }
}
