//! From what was typed to an input root and the places below it.

use std::path::{Component, Path, PathBuf};

/// An input that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing is there.
    #[error("the input '{0}' does not exist; check the spelling, and quote patterns that the shell should not expand")]
    Missing(String),
    /// It is there and cannot be looked at.
    #[error("the input '{path}' cannot be read: {source}; check its permissions")]
    Unreadable {
        /// Input that was given.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A pattern that is not one.
    #[error("the pattern '{pattern}' is not valid: {reason}")]
    Pattern {
        /// Pattern that was given.
        pattern: String,
        /// Reason for which it is not valid.
        reason: String,
    },
    /// A pattern that fits nothing.
    #[error("no file fits the pattern '{0}'")]
    NoMatch(String),
}

/// The input root and the files and folders below it that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The deepest folder that holds every input; document paths are relative to it.
    pub root: PathBuf,
    /// Relative to the root, sorted, none inside another. One empty path stands for the whole root.
    pub places: Vec<PathBuf>,
}

impl Inputs {
    /// Resolves what was typed: existing paths first, patterns (`*`, `?`, `[...]`, `**`) else. The result does not
    /// depend on the order of `given`. `base` is the working folder that relative inputs start from.
    ///
    /// # Errors
    /// For an input that does not exist, cannot be read, or is a pattern that fits nothing.
    pub fn resolve(base: &Path, given: &[PathBuf]) -> Result<Self, InputError> {
        let mut found: Vec<(PathBuf, bool)> = Vec::new();
        for input in given {
            let shown = input.display().to_string();
            match std::fs::metadata(base.join(input)) {
                Ok(meta) => found.push((absolute(base, input), meta.is_dir())),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => found.extend(expand(base, input, &shown)?),
                Err(source) => return Err(InputError::Unreadable { path: shown, source }),
            }
        }
        found.sort();
        found.dedup();
        let folder_of = |(path, is_folder): &(PathBuf, bool)| match is_folder {
            true => path.clone(),
            false => path.parent().unwrap_or(path).to_path_buf(),
        };
        let mut root = found.first().map_or_else(|| base.to_path_buf(), folder_of);
        for folder in found.iter().map(folder_of) {
            while !folder.starts_with(&root) {
                root.pop();
            }
        }
        let mut places: Vec<PathBuf> = Vec::new();
        for (path, _) in found {
            let place = path.strip_prefix(&root).expect("the root is above every input").to_path_buf();
            if !places.last().is_some_and(|last| place.starts_with(last)) {
                places.push(place);
            }
        }
        Ok(Self { root, places })
    }

    /// Test whether the whole root was asked for.
    pub fn is_whole_root(&self) -> bool {
        self.places.iter().any(|p| p.as_os_str().is_empty())
    }
}

fn expand(base: &Path, input: &Path, shown: &str) -> Result<Vec<(PathBuf, bool)>, InputError> {
    let pattern = base.join(input);
    let Some(pattern) = pattern.to_str().filter(|_| shown.contains(['*', '?', '['])) else {
        return Err(InputError::Missing(shown.to_owned()));
    };
    let paths =
        glob::glob(pattern).map_err(|e| InputError::Pattern { pattern: shown.to_owned(), reason: e.msg.to_owned() })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|e| InputError::Unreadable {
            path: e.path().display().to_string(),
            source: std::io::Error::from(e.error().kind()),
        })?;
        let is_folder = path.is_dir();
        found.push((absolute(base, &path), is_folder));
    }
    if found.is_empty() { Err(InputError::NoMatch(shown.to_owned())) } else { Ok(found) }
}

/// `base/input` without `.` and `..`, by the words alone: symbolic links keep their names.
fn absolute(base: &Path, input: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(input).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a/x.pdf", "a/deep/y.pdf", "b/x.pdf"] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        dir
    }

    #[test]
    fn one_folder_is_its_own_root() {
        let dir = tree();
        let inputs = Inputs::resolve(dir.path(), &["./a/".into()]).unwrap();
        assert_eq!((inputs.root.clone(), inputs.is_whole_root()), (dir.path().join("a"), true));
    }

    #[test]
    fn order_and_nesting_of_inputs_do_not_matter() {
        let dir = tree();
        let one = Inputs::resolve(dir.path(), &["a".into(), "b/x.pdf".into()]).unwrap();
        let two =
            Inputs::resolve(dir.path(), &["b/*.pdf".into(), "a/deep".into(), "a".into(), "a/x.pdf".into()]).unwrap();
        assert_eq!(one, two);
        assert_eq!(one.root, dir.path());
        assert_eq!(one.places, [PathBuf::from("a"), PathBuf::from("b/x.pdf")]);
    }

    #[test]
    fn missing_inputs_and_empty_patterns_are_told_apart() {
        let dir = tree();
        assert!(matches!(Inputs::resolve(dir.path(), &["nope".into()]), Err(InputError::Missing(_))));
        assert!(matches!(Inputs::resolve(dir.path(), &["a/*.epub".into()]), Err(InputError::NoMatch(_))));
        assert!(matches!(Inputs::resolve(dir.path(), &["a/[.pdf".into()]), Err(InputError::Pattern { .. })));
    }
}
