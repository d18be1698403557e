//! Small corpora made on the spot, and the program run on them.

pub(crate) mod commands;
pub(crate) mod disk;
pub(crate) mod documents;
pub(crate) mod epubs;
pub(crate) mod needs;
pub(crate) mod page;
pub(crate) mod pictures;
pub(crate) mod rehearsal;
pub(crate) mod steady;
pub(crate) mod torture;
pub(crate) mod view;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A new folder, in memory if the machine gives a gigabyte for that: no test here is about a disk that forgets.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = "/dev/shm";
    let roomy = rustix::fs::statvfs(memory).is_ok_and(|disk| disk.f_bavail * disk.f_frsize >= 1 << 30);
    if roomy { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A folder with inputs in `books` and outputs in `out`.
pub(crate) struct Shelf {
    dir: tempfile::TempDir,
}

impl Shelf {
    /// An empty shelf.
    pub(crate) fn empty() -> Self {
        let dir = folder();
        std::fs::create_dir(dir.path().join("books")).unwrap();
        Self { dir }
    }

    /// A shelf of `count` small documents, PDF and EPUB by turns, in two folders.
    pub(crate) fn of(count: usize) -> Self {
        let shelf = Self::empty();
        for n in 0..count {
            let (name, bytes) = documents::nth(n);
            shelf.put(&name, &bytes);
        }
        shelf
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn books(&self) -> PathBuf {
        self.path().join("books")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.books().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// `corpora batch books -o out` with more arguments.
    pub(crate) fn batch(&self, more: &[&str]) -> Run {
        self.run(&[&["batch", "books", "-o", "out"], more].concat())
    }

    /// Any command, in the shelf's folder.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run(command(self.path(), args).output().unwrap())
    }

    /// Every vocabulary file, by name.
    pub(crate) fn vocabularies(&self) -> BTreeMap<String, Vec<u8>> {
        self.vocabularies_in("out")
    }

    /// The same of another output folder.
    pub(crate) fn vocabularies_in(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.path().join(out), &self.path().join(out), &mut found);
        found
    }

    pub(crate) fn vocabulary(&self, name: &str) -> Value {
        let bytes = std::fs::read(self.out().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// A connection with which a test reads the store, or edits it by hand: rows that it edits have no sum any more.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.out().join(".corpora/store.sqlite")).unwrap();
        edits_by_hand(&db);
        db
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |r| r.get(0)).unwrap()
    }
}

/// Lets rows that this connection changes have no sum, as if an older program had written them.
pub(crate) fn edits_by_hand(db: &rusqlite::Connection) {
    for (table, key) in [
        ("meta", "key"),
        ("doc", "id"),
        ("file", "path"),
        ("orphan", "output"),
        ("fp", "id"),
        ("done", "fp"),
        ("unit", "id"),
    ] {
        let (has_sum, more) = (
            format!("SELECT count(*) FROM pragma_table_info('{table}') WHERE name = 'sum'"),
            match table {
                "done" => " AND doc = NEW.doc",
                _ => "",
            },
        );
        if db.query_row(&has_sum, [], |r| r.get::<_, i64>(0)).is_ok_and(|count| count == 1) {
            db.execute_batch(&format!(
                "CREATE TEMP TRIGGER {table}_by_hand AFTER UPDATE ON main.{table} WHEN NEW.sum IS NOT NULL
                 BEGIN UPDATE {table} SET sum = NULL WHERE {key} = NEW.{key}{more}; END"
            ))
            .unwrap();
        }
    }
}

/// The program, with an environment that no setting of the machine reaches.
pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corpora"));
    command.args(args).current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CORPORA_") {
            command.env_remove(name);
        }
    }
    command
}

fn collect(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.to_string_lossy().ends_with(".vocab.json") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// What a run of the program gave.
pub(crate) struct Run(pub(crate) Output);

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "stderr:\n{}", self.stderr());
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr().contains(words), "'{words}' is not in:\n{}", self.stderr());
        self
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    /// The events of a run with `--progress json`.
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.stderr())
    }

    pub(crate) fn summary(&self) -> Value {
        let events = self.events();
        events.iter().find(|e| e["event"] == "run_finished").expect("a run that ends says so")["summary"].clone()
    }

    /// How many documents each stage finished.
    pub(crate) fn done(&self, stage: &str) -> usize {
        self.events().iter().filter(|e| e["event"] == "document_done" && e["stage"] == stage).count()
    }
}

/// The whole lines of an event stream; a killed run may leave half a line at its end.
pub(crate) fn events(stderr: &str) -> Vec<Value> {
    stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
