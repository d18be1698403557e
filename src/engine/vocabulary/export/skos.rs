//! Terms as a concept scheme of SKOS in Turtle: <https://www.w3.org/TR/skos-reference/>, <https://www.w3.org/TR/turtle/>.

use std::io::Write;

use super::columns::ExportError;
use super::markup::{iri_part, turtle};
use super::table::ExportTable;
use crate::values::MasterEntry;

const HEAD: &str = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n\
    @prefix dct: <http://purl.org/dc/terms/> .\n\n\
    <urn:corpora:scheme> a skos:ConceptScheme ;\n    dct:title \"corpora export\" .\n";

impl ExportTable {
    /// Writes a concept for each term, below one for its category. Names and definitions are of the language `language`.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_skos(&self, out: &mut dyn Write, language: &str) -> Result<(), ExportError> {
        out.write_all(HEAD.as_bytes())?;
        let mut query =
            self.db.prepare("SELECT DISTINCT category FROM terms WHERE category <> '' ORDER BY category")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let category: String = row.get(0)?;
            writeln!(
                out,
                "\n<urn:corpora:category:{}> a skos:Concept ;\n    skos:prefLabel {}@{language} ;\n    skos:topConceptOf <urn:corpora:scheme> .",
                iri_part(&category),
                turtle(&category)
            )?;
        }
        self.each(&mut |entry| Ok(concept(out, &entry, language)?))?;
        Ok(out.flush()?)
    }
}

fn concept(out: &mut dyn Write, entry: &MasterEntry, language: &str) -> std::io::Result<()> {
    writeln!(out, "\n<urn:corpora:term:{}> a skos:Concept ;", iri_part(&entry.id))?;
    writeln!(out, "    skos:inScheme <urn:corpora:scheme> ;")?;
    let mut said = |name: &str, text: &str| writeln!(out, "    skos:{name} {}@{language} ;", turtle(text));
    for other in entry.other_names() {
        said("altLabel", other)?;
    }
    if let Some(definition) = &entry.definition {
        said("definition", definition)?;
    }
    if let Some(place) = super::rows::telling(entry) {
        said("example", &place.place.sentence)?;
    }
    if let Some(note) = &entry.note {
        said("editorialNote", note)?;
    }
    if let Some(category) = entry.category.as_ref().filter(|category| !category.is_empty()) {
        writeln!(out, "    skos:broader <urn:corpora:category:{}> ;", iri_part(category))?;
    }
    for source in &entry.sources {
        writeln!(out, "    dct:source {} ;", turtle(source))?;
    }
    writeln!(out, "    skos:prefLabel {}@{language} .", turtle(&entry.text))
}
