//! Prices of tokens. An unknown model has an unknown price, never none.

use jiff::civil::Date;
use serde::Deserialize;

use super::{ServiceTier, Tariff};
use crate::values::{Cost, Usage};

/// The table that comes with the program.
const BUILTIN: &str = include_str!("prices.toml");

/// A price table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// Not the right shape.
    #[error("{0}")]
    Shape(toml::de::Error),
    /// A number that no price is.
    #[error("the price of '{model}' has {what} = {value}; give a number that is not negative")]
    Number {
        /// Of which model.
        model: String,
        /// Name of the number.
        what: &'static str,
        /// Number that the table gives.
        value: f64,
    },
}

/// The price of one model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model's name, or the beginning of its dated names.
    pub model: String,
    input: f64,
    output: f64,
    #[serde(default)]
    tiers: Vec<Tier>,
    #[serde(default = "one")]
    cache_read: f64,
    #[serde(default = "one")]
    cache_write_5m: f64,
    #[serde(default = "one")]
    cache_write_1h: f64,
    #[serde(default = "one")]
    batch: f64,
    #[serde(default = "one")]
    flex: f64,
    until: Option<Date>,
    /// The day on which the source was read.
    pub as_of: Option<Date>,
    /// Place where it was read.
    #[serde(default)]
    pub source: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    above: u64,
    input: f64,
    output: f64,
}

fn one() -> f64 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    price: Vec<Price>,
}

/// A price table.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices(Vec<Price>);

impl Prices {
    /// The table that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn builtin() -> Self {
        Self::read(BUILTIN).expect("the table that is compiled in is tested")
    }

    /// A table in the shape of the one that comes with the program.
    ///
    /// # Errors
    /// If it has another shape, or a negative price.
    pub fn read(text: &str) -> Result<Self, PriceError> {
        let table: Table = toml::from_str(text).map_err(PriceError::Shape)?;
        for p in &table.price {
            for (what, value) in [
                ("input", p.input),
                ("output", p.output),
                ("cache_read", p.cache_read),
                ("cache_write_5m", p.cache_write_5m),
                ("cache_write_1h", p.cache_write_1h),
                ("batch", p.batch),
                ("flex", p.flex),
            ] {
                if !value.is_finite() || value < 0.0 {
                    return Err(PriceError::Number { model: p.model.clone(), what, value });
                }
            }
        }
        Ok(Self(table.price))
    }

    /// This table with another before it.
    #[must_use]
    pub fn overridden_by(mut self, other: Self) -> Self {
        let Self(mut first) = other;
        first.append(&mut self.0);
        Self(first)
    }

    /// The price of a model on a day: the longest name that fits; among equal names the first that is still valid.
    pub fn of(&self, model: &str, day: Date) -> Option<&Price> {
        let fits = |price: &&Price| {
            model.strip_prefix(price.model.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                && price.until.is_none_or(|until| day <= until)
        };
        let longest = self.0.iter().filter(fits).map(|p| p.model.len()).max()?;
        self.0.iter().filter(fits).find(|p| p.model.len() == longest)
    }
}

impl Price {
    /// Test whether the flex tier costs less.
    pub fn sells_flex(&self) -> bool {
        self.flex < 1.0
    }

    /// Cost of many answers that came to `usage` together: each is taken to have had the mean prompt, which decides its
    /// tier.
    pub fn cost_of_many(&self, usage: &Usage, answers: u64, tariff: Tariff) -> Cost {
        let n = answers.max(1);
        let mean = Usage {
            input: usage.input / n,
            cache_read: usage.cache_read / n,
            cache_write_5m: usage.cache_write_5m / n,
            cache_write_1h: usage.cache_write_1h / n,
            output: usage.output / n,
        };
        let (input, output) = self.rates(&mean);
        self.at(usage, input, output, tariff)
    }

    /// Cost of an answer.
    pub fn cost(&self, usage: &Usage, tariff: Tariff) -> Cost {
        let (input, output) = self.rates(usage);
        self.at(usage, input, output, tariff)
    }

    fn rates(&self, usage: &Usage) -> (f64, f64) {
        let tier = self.tiers.iter().filter(|t| usage.prompt() > t.above).max_by_key(|t| t.above);
        tier.map_or((self.input, self.output), |t| (t.input, t.output))
    }

    fn at(&self, usage: &Usage, input: f64, output: f64, tariff: Tariff) -> Cost {
        let input_tokens = usage.input as f64
            + usage.cache_read as f64 * self.cache_read
            + usage.cache_write_5m as f64 * self.cache_write_5m
            + usage.cache_write_1h as f64 * self.cache_write_1h;
        let dollars = (input_tokens * input + usage.output as f64 * output) / 1e6;
        let factor = match tariff {
            Tariff::Live(ServiceTier::Standard) => 1.0,
            Tariff::Live(ServiceTier::Flex) => self.flex,
            Tariff::Batch => self.batch,
        };
        Cost::from_dollars(dollars * factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_table_is_read_and_prices_follow_prompt_length_cache_batch_and_date() {
        let prices = Prices::builtin();
        let day = date(2026, 11, 24);
        let usage = |input, output| Usage { input, output, ..Usage::default() };
        let million = usage(1_000_000, 1_000_000);
        let live = Tariff::Live(ServiceTier::Standard);
        let flex = Tariff::Live(ServiceTier::Flex);
        let dollars = |model: &str, u: &Usage, tariff| prices.of(model, day).unwrap().cost(u, tariff).dollars();
        assert_eq!(dollars("claude-opus-5-5", &million, live), 24.0);
        assert_eq!(dollars("claude-opus-5-5-20261001", &million, Tariff::Batch), 12.0);
        assert_eq!(dollars("claude-haiku-5-5", &usage(100_000, 0), live), 0.01);
        assert_eq!(dollars("claude-haiku-5-5", &usage(100_001, 1_000_000), live), 2.550_000_5);
        // Flex costs what a batch costs where it is sold, and else the ordinary price.
        for (model, price) in [("gpt-6-sol", 6.0), ("gemini-3.8-flash", 2.25), ("claude-opus-5-5", 24.0)] {
            assert_eq!(dollars(model, &million, flex), price, "{model}");
        }
        let cached =
            Usage { cache_read: 1_000_000, cache_write_5m: 1_000_000, cache_write_1h: 1_000_000, ..Usage::default() };
        assert_eq!(dollars("claude-sonnet-5-5", &cached, live), 2.0 * (0.05 + 1.25 + 2.0));
        let of = |d| prices.of("gemini-3.8-flash", d).unwrap().cost(&usage(1_000_000, 0), live).dollars();
        assert_eq!((of(date(2026, 12, 31)), of(date(2027, 1, 1))), (0.75, 1.5));
    }

    #[test]
    fn an_unknown_model_has_no_price_and_a_users_table_comes_first() {
        let prices = Prices::builtin();
        let day = date(2026, 11, 24);
        assert_eq!(prices.of("llama-4-70b", day), None);
        assert_eq!(prices.of("claude-opus-5-55", day), None);
        let own = Prices::read("[[price]]\nmodel = \"claude-opus-5-5\"\ninput = 1.0\noutput = 2.0\n").unwrap();
        let own = prices.overridden_by(own);
        assert_eq!(own.of("claude-opus-5-5", day).unwrap().input, 1.0);
        assert!(
            Prices::read("[[price]]\nmodel = \"x\"\ninput = -1.0\noutput = 2.0\n")
                .unwrap_err()
                .to_string()
                .contains("not negative")
        );
        assert!(Prices::read("[[price]]\nmodel = \"x\"\ninputs = 1.0\noutput = 2.0\n").is_err());
    }
}
