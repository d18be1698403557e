//! Rescue of a broken store: what can still be read of it goes into a sound one, paid answers first. The broken one is kept.

use std::path::{Path, PathBuf};

use rusqlite::{OpenFlags, params};

use super::database::Database;
use super::row_copier::{RescuedTable, copy_table};
use super::schema_pages::NumberedPage;
use super::{
    FpId, Generation, ResponseId, STORE_FOLDER, Store, StoreError, beneath, header, ledger, schema, schema_pages,
};
use crate::values::{Cost, Fingerprint};

/// Result of a rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Tables with their rows.
    pub tables: Vec<RescuedTable>,
    /// Sum that the responses cost which were kept, as far as their prices are known.
    pub cost: Cost,
    /// Responses that will be read again because answers out of them are lost.
    pub read_again: u64,
    /// Folder that keeps the broken store.
    pub kept: PathBuf,
}

/// Losses with which a rescue puts the sound store in the place of the broken one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Losses {
    /// Whatever cannot be read.
    Any,
    /// Only what can be made again for nothing; and something has to be lost, or nothing is broken.
    Free,
}

/// Tables in the order of their worth, each with its key. The first [`PAID`] are about what was paid for.
const TABLES: [(&str, &str); 15] = [
    ("fp", "id"),
    ("unit", "id"),
    ("answer", "id"),
    ("response", "id"),
    ("raw", "id"),
    ("lost", "id"),
    ("batch", "id"),
    ("batch_request", "batch, seq"),
    ("batch_unit", "fp, unit"),
    ("unit_attempts", "fp, unit"),
    ("unit_failure", "fp, unit"),
    ("doc", "id"),
    ("file", "path"),
    ("orphan", "output"),
    ("done", "fp, doc"),
];

/// Folder, beside the store, in which a rescue works.
const WORKSHOP: &str = "rescue";

/// Number of the tables about what was paid for.
const PAID: usize = 11;

/// Tables of which one at least has rows where something was paid.
const SPENT: [&str; 5] = ["answer", "response", "raw", "lost", "batch"];

/// Tables that are read last: results, which can be made again, and settings of the last run.
const LAST: [(&str, &str); 2] = [("art", "id"), ("meta", "key")];

/// Puts what can be read of the store of `output` into a sound one in its place. The caller holds the lock. A crash at any moment leaves the
/// broken store or the sound one, and the same call goes on.
///
/// # Errors
/// If there is no store, nothing of it can be read, or the disk has no room for another one.
pub fn rescue(output: &Path) -> Result<Rescued, StoreError> {
    let nothing = |file| StoreError::Damaged { file, detail: "nothing of it can be rescued".into() };
    rescue_with(output, Losses::Any)?.ok_or_else(|| nothing(output.join(STORE_FOLDER).join("store.sqlite")))
}

/// As [`rescue`], if the store is broken and nothing is lost that was paid for; none otherwise, and then everything is as it was.
///
/// # Errors
/// As [`rescue`].
pub fn rescue_what_is_free(output: &Path) -> Result<Option<Rescued>, StoreError> {
    let outcome = rescue_with(output, Losses::Free);
    if !matches!(outcome, Ok(Some(_))) {
        // What is left of it is removed by the next one otherwise.
        let _ = std::fs::remove_dir_all(output.join(STORE_FOLDER).join(WORKSHOP));
    }
    outcome
}

fn rescue_with(output: &Path, losses: Losses) -> Result<Option<Rescued>, StoreError> {
    let output = output.canonicalize().map_err(|_| StoreError::Missing { folder: output.to_path_buf() })?;
    let folder = output.join(STORE_FOLDER);
    let file = folder.join("store.sqlite");
    if !file.exists() {
        return Err(StoreError::Missing { folder: output });
    }
    take_up_swap(&folder, &file)?;
    let workshop = folder.join(WORKSHOP);
    let io = |action, file: &Path| {
        let file = file.to_path_buf();
        move |e| StoreError::from_io(action, &file, e)
    };
    if workshop.exists() {
        std::fs::remove_dir_all(&workshop).map_err(io("remove", &workshop))?;
    }
    beneath::create_folder(&workshop).map_err(io("create", &workshop))?;
    let (mut rescued, new) = {
        let source = with_a_sound_beginning(&file, &workshop)?;
        let from = Database::open(source.as_deref().unwrap_or(&file), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        if let Err(error @ StoreError::Newer { .. }) = schema::check(&from) {
            return Err(error);
        }
        let store = Store::open_or_create(&workshop)?;
        let to = store.write_connection()?;
        let rescued = copy(&from, &to)?;
        if losses == Losses::Free
            && (lost_something_paid(&rescued.tables) || source.is_none() && is_sound(&from, &rescued.tables))
        {
            return Ok(None);
        }
        // One file, with nothing beside it.
        to.rows("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        (rescued, store.database())
    };
    let file_of_new = beneath::open_to_read(&new).map_err(io("open", &new))?;
    file_of_new.sync_all().map_err(io("write", &new))?;
    drop(file_of_new);
    rescued.kept = keep(&folder, &file).map_err(io("keep", &file))?;
    swap(&folder, &file, &new).map_err(io("put in its place", &file))?;
    std::fs::remove_dir_all(&workshop).map_err(io("remove", &workshop))?;
    Ok(Some(rescued))
}

/// Test whether something may be lost that was paid for. Where no row speaks of money, one table may be unreadable: it was as empty as
/// the others.
fn lost_something_paid(tables: &[RescuedTable]) -> bool {
    let of_money: Vec<_> = tables.iter().filter(|table| SPENT.contains(&table.table)).collect();
    let nothing_was_paid =
        of_money.iter().all(|table| table.rows == 0) && of_money.iter().filter(|table| !table.whole).count() <= 1;
    let is_paid = |name: &str| TABLES[..PAID].iter().any(|(table, _)| *table == name);
    !nothing_was_paid && tables.iter().any(|table| is_paid(table.table) && !table.whole)
}

/// Test whether a store is not broken at all.
fn is_sound(from: &Database, tables: &[RescuedTable]) -> bool {
    let check = || from.value::<String>("PRAGMA integrity_check(1)", []);
    let is_whole = tables.iter().all(|table| table.whole && table.restored == 0);
    is_whole && schema::check(from).is_ok() && check().is_ok_and(|first| first == "ok")
}

/// A copy of a store, with its log, in which the header and the pages of the schema are mended; none if they are as they have to be.
fn with_a_sound_beginning(file: &Path, workshop: &Path) -> Result<Option<PathBuf>, StoreError> {
    let sound = sound_pages(&workshop.join("new"))?;
    let mend = || {
        let header = header::wanted(file)?;
        let pages = schema_pages::damaged(file, sound)?;
        if header.is_none() && pages.is_empty() {
            return Ok(None);
        }
        let copy = workshop.join("mended.sqlite");
        std::fs::copy(file, &copy)?;
        schema_pages::write(&copy, &pages)?;
        if let Some(header) = header {
            header::give(&copy, &header)?;
        }
        let log = beside(file, "-wal");
        if log.exists() {
            std::fs::copy(log, beside(&copy, "-wal"))?;
        }
        Ok(Some(copy))
    };
    mend().map_err(|e| StoreError::from_io("copy", file, e))
}

/// Pages of the schema as they stand in a new store, and in one that gave space back.
fn sound_pages(folder: &Path) -> Result<Vec<NumberedPage>, StoreError> {
    let mut pages = Vec::new();
    for script in ["", "VACUUM"] {
        let store = Store::open_or_create(folder)?;
        let db = store.write_connection()?;
        db.script(script)?;
        db.rows("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        drop(db);
        let file = store.database();
        let bytes = std::fs::read(&file).map_err(|e| StoreError::from_io("read", &file, e))?;
        pages.extend(schema_pages::of(&bytes));
    }
    Ok(pages)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Gives the broken store second names in a folder of its own.
fn keep(folder: &Path, file: &Path) -> std::io::Result<PathBuf> {
    let free = (1..).map(|n| folder.join(format!("broken-{n}"))).find(|place| !place.exists());
    let place = free.expect("there are numbers enough");
    beneath::create_folder(&place)?;
    let name = place.join("store.sqlite");
    for ending in ["-wal", ""] {
        match beneath::link(&beside(file, ending), &beside(&name, ending)) {
            Err(e) if ending == "-wal" && e.kind() == std::io::ErrorKind::NotFound => {}
            outcome => outcome?,
        }
    }
    beneath::sync_folder(&place)?;
    beneath::sync_folder(folder)?;
    Ok(place)
}

/// Puts the sound store in its place. The log of the broken one goes first: a sound store with another's log would be none.
fn swap(folder: &Path, file: &Path, new: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm"] {
        match beneath::remove(&beside(file, ending)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    beneath::rename(new, file)?;
    beneath::sync_folder(folder)
}

/// Gives a store its log back that a rescue took away before it ended: what is kept of it is the same file then.
fn take_up_swap(folder: &Path, file: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Path| std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let log = beside(file, "-wal");
    for place in (1..).map(|n| folder.join(format!("broken-{n}"))).take_while(|place| place.exists()) {
        let kept = place.join("store.sqlite");
        let kept_log = beside(&kept, "-wal");
        if inode(&kept) == inode(file) && kept_log.exists() && !log.exists() {
            beneath::link(&kept_log, &log).map_err(|e| StoreError::from_io("take up", &log, e))?;
        }
    }
    Ok(())
}

/// Copies all tables and makes them fit together.
fn copy(from: &Database, to: &Database) -> Result<Rescued, StoreError> {
    let mut tables = Vec::new();
    to.script("DELETE FROM meta")?;
    // An older store has fewer tables and columns; of this version, the name of one that is missing is damaged.
    let is_older = schema::check(from).is_ok_and(|version| version < schema::VERSION);
    for (table, key) in TABLES.into_iter().chain(LAST) {
        tables.extend(copy_table(from, to, (table, key), is_older)?);
    }
    if tables.iter().all(|table| table.rows + table.restored == 0) {
        return Err(StoreError::Damaged { file: from.file().to_path_buf(), detail: "no row of it can be read".into() });
    }
    to.transaction(|| fit_together(to))?;
    schema::say_version(to, schema::VERSION)?;
    let lost = |name| tables.iter().any(|table| table.table == name && !table.whole);
    let read_again = if lost("answer") || lost("unit") { to.transaction(|| read_again(to))? } else { 0 };
    let cost = Cost(to.value("SELECT coalesce(sum(cost), 0) FROM response", [])?);
    Ok(Rescued { tables, cost, read_again, kept: PathBuf::new() })
}

/// Lets nothing point to what is lost: results of documents without a number wait again, files without a document are looked at again.
fn fit_together(db: &Database) -> Result<(), StoreError> {
    db.script(
        "DELETE FROM done WHERE doc NOT IN (SELECT id FROM doc) OR fp NOT IN (SELECT id FROM fp);
         DELETE FROM art WHERE ((id >> 16) & 0xFFFFFFFF) NOT IN (SELECT id FROM doc) OR (id >> 48) NOT IN (SELECT id FROM fp);
         UPDATE done SET state = 0 WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM art WHERE art.id = ((done.fp << 48) | (done.doc << 16)));
         DELETE FROM answer WHERE unit NOT IN (SELECT id FROM unit);
         UPDATE answer SET response = NULL WHERE response NOT IN (SELECT id FROM response);
         DELETE FROM raw WHERE id NOT IN (SELECT id FROM response);
         UPDATE file SET doc = NULL, size = 0, mtime_ns = 0, ctime_ns = NULL, inode = NULL, written_fp = NULL, written_doc = NULL
             WHERE doc IS NOT NULL AND doc NOT IN (SELECT id FROM doc);
         UPDATE doc SET bytes = coalesce((SELECT size FROM file WHERE file.doc = doc.id AND file.state = 0), 0) WHERE bytes = 0;
         UPDATE doc SET live = (SELECT count(*) FROM file WHERE file.doc = doc.id AND file.state = 0);",
    )
}

/// Lets responses be read again out of which an answer is lost. Returns their number.
fn read_again(db: &Database) -> Result<u64, StoreError> {
    let mut candidates: Vec<(ResponseId, FpId, Generation, Vec<Fingerprint>)> = Vec::new();
    db.each("SELECT id, fp, generation, units FROM response WHERE state = 1", [], |r| {
        candidates.push((r.get(0)?, r.get(1)?, r.get(2)?, ledger::unpacked(r, 3)?));
        Ok(())
    })?;
    let mut count = 0;
    for (id, question, generation, units) in candidates {
        let is_settled = |unit: &Fingerprint| {
            db.value::<bool>(
                "SELECT EXISTS (SELECT 1 FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1 WHERE u.sha = ?2 AND a.generation >= ?3)
                     OR EXISTS (SELECT 1 FROM unit u JOIN unit_failure f ON f.unit = u.id AND f.fp = ?1 WHERE u.sha = ?2)",
                params![question, unit.0, generation],
            )
        };
        let mut settled = true;
        for unit in &units {
            settled &= is_settled(unit)?;
        }
        if !settled && ledger::has_sound_body(db, id)? {
            db.execute("UPDATE response SET state = 0 WHERE id = ?1", [id])?;
            count += 1;
        }
    }
    Ok(count)
}
