//! Terms as TermBase eXchange, ISO 30042:2019, dialect TBX-Basic in DCA style: its core structure is
//! <https://github.com/LTAC-Global/TBX_Core_RNG>, what the dialect allows <https://github.com/LTAC-Global/TBX-Basic_dialect>.

use std::io::Write;

use super::columns::ExportError;
use super::markup::xml;
use super::rows::{telling, whereabouts};
use super::table::ExportTable;
use crate::values::MasterEntry;

/// Beginning of the file, before the language and after it.
const HEAD: [&str; 2] = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
     <?xml-model href=\"https://raw.githubusercontent.com/LTAC-Global/TBX_Core_RNG/master/TBXcoreStructV03.rng\" type=\"application/xml\" schematypens=\"http://relaxng.org/ns/structure/1.0\"?>\n\
     <?xml-model href=\"https://raw.githubusercontent.com/LTAC-Global/TBX-Basic_dialect/master/DCA/TBX-Basic_DCA.sch\" type=\"application/xml\" schematypens=\"http://purl.oclc.org/dsdl/schematron\"?>\n\
     <tbx type=\"TBX-Basic\" style=\"dca\" xml:lang=\"",
    "\" xmlns=\"urn:iso:std:iso:30042:ed-2\">\n<tbxHeader><fileDesc><sourceDesc><p>corpora export</p></sourceDesc></fileDesc></tbxHeader>\n<text><body>\n",
];

impl ExportTable {
    /// Writes a termbase whose terms are of the language `language`, a tag of BCP 47.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_tbx(&self, out: &mut dyn Write, language: &str) -> Result<(), ExportError> {
        let language = xml(language);
        let [before, after] = HEAD;
        write!(out, "{before}{language}{after}")?;
        self.each(&mut |entry| Ok(concept(out, &entry, &language)?))?;
        out.write_all(b"</body></text>\n</tbx>\n")?;
        Ok(out.flush()?)
    }
}

fn concept(out: &mut dyn Write, entry: &MasterEntry, language: &str) -> std::io::Result<()> {
    writeln!(out, "<conceptEntry id=\"c{}\">", xml(&entry.id))?;
    if let Some(category) = entry.category.as_ref().or(entry.kind.as_ref()) {
        writeln!(out, "<descrip type=\"subjectField\">{}</descrip>", xml(category))?;
    }
    if let Some(note) = &entry.note {
        writeln!(out, "<note>{}</note>", xml(note))?;
    }
    writeln!(out, "<langSec xml:lang=\"{language}\">")?;
    if let Some(definition) = &entry.definition {
        write!(out, "<descripGrp><descrip type=\"definition\">{}</descrip>", xml(definition))?;
        if let Some(from) = &entry.definition_from {
            write!(out, "<admin type=\"source\">{}</admin>", xml(from))?;
        }
        writeln!(out, "</descripGrp>")?;
    }
    writeln!(out, "<termSec><term>{}</term>", xml(&entry.text))?;
    if let Some(pos) = &entry.pos {
        let pos = if matches!(pos.as_str(), "noun" | "verb" | "adjective" | "adverb") { pos } else { "other" };
        writeln!(out, "<termNote type=\"partOfSpeech\">{pos}</termNote>")?;
    }
    writeln!(out, "<termNote type=\"administrativeStatus\">preferredTerm-admn-sts</termNote>")?;
    if let Some(place) = telling(entry) {
        let (sentence, at) = (xml(&place.place.sentence), xml(&whereabouts(place)));
        writeln!(
            out,
            "<descripGrp><descrip type=\"context\">{sentence}</descrip><admin type=\"source\">{at}</admin></descripGrp>"
        )?;
    }
    writeln!(out, "</termSec>")?;
    for other in entry.other_names() {
        writeln!(
            out,
            "<termSec><term>{}</term><termNote type=\"termType\">variant</termNote><termNote type=\"administrativeStatus\">admittedTerm-admn-sts</termNote></termSec>",
            xml(other)
        )?;
    }
    writeln!(out, "</langSec></conceptEntry>")
}
