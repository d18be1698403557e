//! Tokens and money.

use serde::{Deserialize, Serialize};

/// Tokens of one answer as the provider reported them. The whole prompt is the sum of the four input fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens at the full price.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to a cache that lives five minutes.
    pub cache_write_5m: u64,
    /// Input tokens written to a cache that lives an hour.
    pub cache_write_1h: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
}

impl Usage {
    /// Tokens of the whole prompt, cached or not.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cache_read += other.cache_read;
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
        self.output += other.output;
    }
}

/// An amount of money in picodollars (1e-12 USD): the cheapest cached token costs some thousands of them, so sums are
/// exact whatever their order. Holds up to 9.2 million dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cost(pub i64);

impl Cost {
    /// Picodollars in a dollar.
    pub const DOLLAR: i64 = 1_000_000_000_000;

    /// An amount in dollars, rounded to the nearest picodollar.
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * Self::DOLLAR as f64).round() as i64)
    }

    /// The amount in dollars.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / Self::DOLLAR as f64
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::fmt::Display for Cost {
    /// Dollars with as many digits as a small amount needs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dollars = self.dollars();
        match dollars.abs() {
            d if d == 0.0 || d >= 1.0 => write!(f, "${dollars:.2}"),
            d if d >= 0.01 => write!(f, "${dollars:.4}"),
            _ => write!(f, "${dollars:.6}"),
        }
    }
}
