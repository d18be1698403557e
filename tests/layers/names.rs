//! Names to what they mean: paths as they are written to paths from the root of a crate, through renames and re-exports.

use std::collections::{HashMap, HashSet};

use super::source::{File, Mention, Use};

/// Most renames and re-exports that one name is followed through.
const DEEPEST: usize = 16;

/// All modules of all crates, and the names that uses give in them. The first part of a path is its crate.
pub(super) struct Names<'a> {
    modules: HashSet<Vec<String>>,
    uses: HashMap<Vec<String>, Vec<&'a Use>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(files: impl IntoIterator<Item = &'a File>) -> Self {
        let mut names = Self { modules: HashSet::new(), uses: HashMap::new() };
        for file in files {
            let root = std::slice::from_ref(&file.krate);
            names.modules.insert([root, &file.module].concat());
            names.modules.extend(file.inline.iter().map(|m| [root, m].concat()));
            for used in &file.uses {
                names.uses.entry([root, &used.scope].concat()).or_default().push(used);
            }
        }
        names
    }

    /// Meanings of a mention; more than one where a file gives a name twice.
    pub(super) fn of_mention(&self, file: &File, mention: &Mention) -> Vec<Vec<String>> {
        self.resolve(&[std::slice::from_ref(&file.krate), &mention.scope].concat(), &mention.path, DEEPEST)
    }

    /// Meanings of a use.
    pub(super) fn of_use(&self, file: &File, used: &Use) -> Vec<Vec<String>> {
        let scope = [std::slice::from_ref(&file.krate), &used.scope].concat();
        self.target(&scope, used, DEEPEST)
    }

    /// The module, a file's or an inline one, in which a path from a crate's root ends.
    pub(super) fn module_of<'p>(&self, path: &'p [String]) -> Option<&'p [String]> {
        (1..=path.len()).rev().map(|n| &path[..n]).find(|prefix| self.modules.contains(*prefix))
    }

    /// A use gives its own name its meaning, and is no part of the search for it.
    fn target(&self, scope: &[String], used: &Use, depth: usize) -> Vec<Vec<String>> {
        let first_is_itself = used.name.as_ref() == used.path.first() && !self.is_module(scope, &used.path);
        match self.absolute(scope, &used.path) {
            Some(path) => self.follow(&path, depth),
            None if first_is_itself => vec![used.path.clone()],
            None => self.resolve(scope, &used.path, depth),
        }
    }

    /// The path from the crate's root, where the path says itself where it begins.
    fn absolute(&self, scope: &[String], path: &[String]) -> Option<Vec<String>> {
        let (krate, first) = (&scope[..1], path.first()?.as_str());
        match first {
            "crate" => Some([krate, &path[1..]].concat()),
            "self" | "super" => {
                let mut at = scope;
                let mut rest = path;
                while let Some((step, left)) = rest.split_first() {
                    match step.as_str() {
                        "self" => {}
                        "super" if at.len() > 1 => at = &at[..at.len() - 1],
                        _ => break,
                    }
                    rest = left;
                }
                Some([at, rest].concat())
            }
            _ => None,
        }
    }

    fn resolve(&self, scope: &[String], path: &[String], depth: usize) -> Vec<Vec<String>> {
        let Some(first) = path.first().filter(|_| depth > 0) else { return vec![path.to_vec()] };
        if let Some(path) = self.absolute(scope, path) {
            return self.follow(&path, depth - 1);
        }
        // A function may have the name of the module that it stands in; a path goes on from the module.
        if self.is_module(scope, path) {
            return self.follow(&[scope, path].concat(), depth - 1);
        }
        let named = self.named(scope, first, &path[1..], depth - 1);
        if named.is_empty() { self.follow(path, depth - 1) } else { named }
    }

    /// Test whether a path begins with a module below another.
    fn is_module(&self, scope: &[String], path: &[String]) -> bool {
        self.modules.contains(&[scope, &path[..1]].concat())
    }

    /// What a name that a use gives in a module means, with `rest` behind it.
    fn named(&self, scope: &[String], name: &str, rest: &[String], depth: usize) -> Vec<Vec<String>> {
        let uses = self.uses.get(scope).into_iter().flatten();
        uses.filter(|u| u.name.as_deref() == Some(name))
            .flat_map(|u| self.target(scope, u, depth))
            .flat_map(|target| self.follow(&[&target[..], rest].concat(), depth))
            .collect()
    }

    /// Follows a path from a crate's root through what its modules re-export.
    fn follow(&self, path: &[String], depth: usize) -> Vec<Vec<String>> {
        if depth == 0 {
            return vec![path.to_vec()];
        }
        for n in 1..path.len() {
            if !self.modules.contains(&path[..n]) {
                break;
            }
            if self.modules.contains(&path[..=n]) {
                continue;
            }
            let named = self.named(&path[..n], &path[n], &path[n + 1..], depth - 1);
            if !named.is_empty() {
                return named;
            }
            break;
        }
        vec![path.to_vec()]
    }
}
