//! Terms as pages for people: a glossary in Markdown, a vault of notes for Obsidian, cards for Anki, a journal for Foundry Virtual Tabletop.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use super::columns::ExportError;
use super::markup::{markdown, xml};
use super::rows::{telling, whereabouts};
use super::table::ExportTable;
use crate::values::{Fingerprint, MasterEntry};

/// Sentences on a page.
const SENTENCES: usize = 5;

/// Bytes of a note's name: file systems take 255, and `.md` and a mark of difference come to it.
const NAME: usize = 120;

/// Names that Windows keeps for devices, with any ending
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions>).
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

impl ExportTable {
    /// Writes a glossary in Markdown.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_markdown(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        out.write_all(b"# Glossary\n")?;
        self.each(&mut |entry| {
            let kind = entry.category.as_ref().or(entry.kind.as_ref());
            let kind = kind.map(|kind| format!(" ({})", markdown(kind))).unwrap_or_default();
            writeln!(out, "\n**{}**{kind}", markdown(&entry.text))?;
            body(out, &entry, 1)?;
            Ok(())
        })?;
        Ok(out.flush()?)
    }

    /// Writes a folder of notes, one a term, for Obsidian. The folder is new or empty.
    ///
    /// # Errors
    /// If it holds something, or writing fails.
    pub fn write_vault(&self, folder: &Path) -> Result<(), ExportError> {
        std::fs::create_dir_all(folder)?;
        let mut taken = HashSet::new();
        self.each(&mut |entry| {
            let name = note_name(&entry, &mut taken);
            let mut note = std::io::BufWriter::new(std::fs::File::create_new(folder.join(name))?);
            front_matter(&mut note, &entry)?;
            body(&mut note, &entry, SENTENCES)?;
            Ok(note.flush()?)
        })
    }

    /// Writes cards as lines of tab-separated text that Anki imports (<https://docs.ankiweb.net/importing/text-files.html>): the term on one
    /// side, its definition and a sentence on the other. Importing again changes the cards that are there.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_anki(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        out.write_all(
            b"#separator:tab\n#html:false\n#notetype:Basic\n#deck:corpora\n#columns:guid\tFront\tBack\ttags\n#guid column:1\n#tags column:4\n",
        )?;
        let mut lines = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        self.each(&mut |entry| {
            let place = telling(&entry);
            let sentence = place.map(|o| format!("{} ({})", o.place.sentence, whereabouts(o)));
            let back: Vec<String> = entry.definition.clone().into_iter().chain(sentence).collect();
            let tags: Vec<String> = entry.category.iter().chain(&entry.kind).map(|tag| one_word(tag)).collect();
            let cells = [entry.id, entry.text, back.join(" — "), tags.join(" ")];
            Ok(lines.write_record(cells.map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")))?)
        })?;
        Ok(lines.flush()?)
    }

    /// Writes a journal entry with a page a term, as "Import Data" of a journal in Foundry Virtual Tabletop takes it
    /// (<https://foundryvtt.com/api/classes/foundry.documents.BaseJournalEntryPage.html>).
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_journal(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        out.write_all(b"{\"name\":\"Glossary\",\"pages\":[")?;
        let mut separator = "\n";
        let mut sort = 0;
        self.each(&mut |entry| {
            sort += 100_000;
            let page = json!({
                "_id": entry.id, "name": entry.text, "type": "text", "title": {"show": true, "level": 2},
                "text": {"format": 1, "content": html(&entry)}, "sort": sort,
            });
            write!(out, "{separator}{page}")?;
            separator = ",\n";
            Ok(())
        })?;
        out.write_all(b"\n]}\n")?;
        Ok(out.flush()?)
    }
}

/// Definition, spellings and sentences of a term in Markdown.
fn body(out: &mut dyn Write, entry: &MasterEntry, sentences: usize) -> std::io::Result<()> {
    if let Some(definition) = &entry.definition {
        writeln!(out, "\n{}", markdown(definition))?;
    }
    let others: Vec<String> = entry.other_names().map(markdown).collect();
    if !others.is_empty() {
        writeln!(out, "\nAlso: {}", others.join(", "))?;
    }
    for place in best(entry, sentences) {
        writeln!(out, "\n> {}\n> — {}", markdown(&place.place.sentence), markdown(&whereabouts(place)))?;
    }
    if let Some(note) = &entry.note {
        writeln!(out, "\nNote: {}", markdown(note))?;
    }
    Ok(())
}

fn best(entry: &MasterEntry, sentences: usize) -> Vec<&crate::values::MasterOccurrence> {
    match sentences {
        1 => telling(entry).into_iter().collect(),
        many => entry.occurrences.iter().take(many).collect(),
    }
}

/// Properties of a note. A JSON string is one of YAML too.
fn front_matter(out: &mut dyn Write, entry: &MasterEntry) -> std::io::Result<()> {
    let aliases: Vec<&str> = std::iter::once(entry.text.as_str()).chain(entry.other_names()).collect();
    let tags: Vec<String> = entry.category.iter().chain(&entry.kind).map(|tag| tag_of_obsidian(tag)).collect();
    writeln!(out, "---\nid: {}\naliases: {}\ntags: {}", json!(entry.id), json!(aliases), json!(tags))?;
    writeln!(out, "rank: {}\ndocuments: {}\nsources: {}\n---", entry.rank, entry.document_count, json!(entry.sources))?;
    writeln!(out, "\n# {}", markdown(&entry.text))
}

/// A tag in which no space is.
fn one_word(tag: &str) -> String {
    tag.split_whitespace().collect::<Vec<_>>().join("_")
}

/// A tag of letters, digits, `_` and `-` with something that is no digit, as Obsidian wants it
/// (<https://help.obsidian.md/tags#Tag+format>).
fn tag_of_obsidian(tag: &str) -> String {
    let tag: String = one_word(tag).chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if tag.chars().all(|c| c.is_ascii_digit()) { format!("_{tag}") } else { tag }
}

/// Name of a term's note: one that every file system takes, that leads nowhere and that no other note has, with or without a difference of
/// case.
fn note_name(entry: &MasterEntry, taken: &mut HashSet<[u8; 8]>) -> String {
    let mut name = String::new();
    for c in entry.text.nfc() {
        let c = if c.is_control() || "\\/:*?\"<>|#^[]%".contains(c) || c.is_whitespace() { ' ' } else { c };
        if name.len() + c.len_utf8() > NAME {
            break;
        }
        if c != ' ' || !name.ends_with(' ') {
            name.push(c);
        }
    }
    // A point at its start hides a file, one at its end is lost on Windows.
    let name = name.trim_matches(['.', ' ']).to_owned();
    let stem = name.split('.').next().unwrap_or_default().trim().to_lowercase();
    let is_port = |port: &str| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| "0123456789¹²³".contains(c)))
    };
    let is_device = DEVICES.contains(&stem.as_str()) || is_port("com") || is_port("lpt");
    let mut free = |name: &str| {
        let folded: String = name.nfkc().collect::<String>().to_lowercase();
        let hash = Fingerprint::of(folded.as_bytes()).0;
        taken.insert(hash.first_chunk::<8>().copied().unwrap_or_default())
    };
    if !name.is_empty() && !is_device && free(&name) {
        return format!("{name}.md");
    }
    let own = format!("{name} {}", entry.id).trim().to_owned();
    free(&own);
    format!("{own}.md")
}

fn html(entry: &MasterEntry) -> String {
    let mut out = String::new();
    let kind = entry.category.as_ref().or(entry.kind.as_ref());
    let kind = kind.map(|kind| format!("<p><em>{}</em></p>", xml(kind)));
    out.extend(kind);
    out.extend(entry.definition.as_ref().map(|definition| format!("<p>{}</p>", xml(definition))));
    let others: Vec<String> = entry.other_names().map(xml).collect();
    if !others.is_empty() {
        out.extend(["<p>Also: ", &others.join(", "), "</p>"]);
    }
    for place in best(entry, SENTENCES) {
        let (sentence, at) = (xml(&place.place.sentence), xml(&whereabouts(place)));
        out.extend(["<blockquote><p>", &sentence, "</p><p>— ", &at, "</p></blockquote>"]);
    }
    out.extend(entry.note.as_ref().map(|note| format!("<p>Note: {}</p>", xml(note))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_note_leads_out_of_its_folder_or_takes_the_place_of_another() {
        let mut taken = HashSet::new();
        let mut named = |text: &str| {
            let entry = crate::stages::consolidate::Merging::default().finish(text, 1);
            note_name(&MasterEntry { text: text.into(), ..entry }, &mut taken)
        };
        assert_eq!(named("Ember Wyrm"), "Ember Wyrm.md");
        assert!(named("EMBER WYRM").starts_with("EMBER WYRM ") && named("Ember  Wyrm/").starts_with("Ember Wyrm "));
        assert_eq!(named("../../etc/passwd"), "etc passwd.md");
        for text in ["CON", "com1", "nul.txt", "LPT¹", "..", "/", "", "...", "\u{0}"] {
            let name = named(text);
            assert!(name.len() > ".md".len() + 15, "{text:?}: {name}");
        }
        assert_eq!(named("[[x]]|y#z^a%%"), "x y z a.md");
        assert_eq!(named("\u{e9}t\u{e9}"), "été.md");
        assert_ne!(named("e\u{301}te\u{301}"), "été.md");
        let long = named(&"ü".repeat(500));
        assert!(long.len() < 200 && long.ends_with("ü.md"), "{long}");
        assert_ne!(named(&"ü".repeat(501)), long);
    }
}
