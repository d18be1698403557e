//! A blocklist of 100,000 entries: time to read it, and terms looked up a second.
//!
//! `cargo bench --bench blocklist -- [ENTRIES]`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::collections::BTreeMap;
use std::time::Instant;

use corpora::stages::write::Blocklist;

fn main() {
    let entries: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(100_000);
    let mut random = fastrand::Rng::with_seed(1);
    let mut word = || (0..random.usize(3..9)).map(|_| random.lowercase()).collect::<String>();
    let mut list: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for n in 0..entries {
        let term = if n % 3 == 0 { word() } else { format!("{} {}", word(), word()) };
        list.entry(format!("franchise {}", n % 500)).or_default().push(term);
    }
    let json = serde_json::to_string(&list).unwrap();
    let started = Instant::now();
    let blocklist = Blocklist::parse(&json).unwrap();
    println!("{entries} entries read in {:.2} s", started.elapsed().as_secs_f64());
    let terms: Vec<String> = (0..200_000).map(|_| format!("{} {}", word(), word())).collect();
    let started = Instant::now();
    let found = terms.iter().filter(|term| blocklist.franchise(term).is_some()).count();
    let seconds = started.elapsed().as_secs_f64();
    println!("{:.2} million terms a second, {found} of {} flagged", terms.len() as f64 / seconds / 1e6, terms.len());
}
