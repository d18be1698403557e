//! Circles of imports between the files of a room.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use super::source::File;

/// Groups of files that import each other, directly or through others. A re-export is a name and no import.
pub(super) fn circles(files: &[&File], names: &Names<'_>) -> Vec<Vec<String>> {
    let by_module: BTreeMap<Vec<String>, usize> =
        files.iter().enumerate().map(|(n, f)| ([std::slice::from_ref(&f.krate), &f.module[..]].concat(), n)).collect();
    let mut edges = vec![BTreeSet::new(); files.len()];
    for (n, file) in files.iter().enumerate() {
        let uses = file.uses.iter().filter(|u| !u.is_export).flat_map(|u| names.of_use(file, u));
        let mentions = file.mentions.iter().flat_map(|m| names.of_mention(file, m));
        for path in uses.chain(mentions) {
            // Modules between braces belong to the file that they stand in.
            let mut module = names.module_of(&path).unwrap_or_default();
            while !module.is_empty() && !by_module.contains_key(module) {
                module = &module[..module.len() - 1];
            }
            if let Some(&other) = by_module.get(module).filter(|other| **other != n) {
                edges[n].insert(other);
            }
        }
    }
    let reaches: Vec<BTreeSet<usize>> = (0..files.len()).map(|n| reached(n, &edges)).collect();
    let mut groups = BTreeSet::new();
    for n in 0..files.len() {
        if reaches[n].contains(&n) {
            let group: Vec<String> = (0..files.len())
                .filter(|m| reaches[n].contains(m) && reaches[*m].contains(&n))
                .map(|m| files[m].shown.clone())
                .collect();
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

/// Everything that can be reached from `start` by at least one step.
fn reached(start: usize, edges: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut left: Vec<usize> = edges[start].iter().copied().collect();
    while let Some(n) = left.pop() {
        if seen.insert(n) {
            left.extend(&edges[n]);
        }
    }
    seen
}
