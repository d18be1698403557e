//! Languages of the recognition: which are installed, and in which a text is written.

use super::recognition::LANGUAGE_FOLLOWS;

/// Languages that the program has. Those that are no languages of text (`osd`, `equ`) are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed(Vec<String>);

/// Data of Tesseract that reads no text: <https://tesseract-ocr.github.io/tessdoc/Data-Files.html>.
const NO_LANGUAGES: [&str; 3] = ["osd", "equ", "snum"];

/// Language in which a page is read of which nothing is known.
const FIRST: &str = "eng";

impl Installed {
    /// Of what `tesseract --list-langs` prints.
    pub(super) fn of_list(list: &str) -> Self {
        let names = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(' '));
        Self(names.filter(|name| !NO_LANGUAGES.contains(name)).map(str::to_owned).collect())
    }

    pub(super) fn has(&self, language: &str) -> bool {
        self.0.iter().any(|known| known == language)
    }

    /// What of the languages that were asked for is there, and what is not; `auto` is the one that a page is read in first.
    pub(super) fn part<'l>(&self, asked: &'l str) -> (String, Vec<&'l str>) {
        if asked == LANGUAGE_FOLLOWS {
            let languages = || self.0.iter().filter(|name| !name.contains('/'));
            let first = languages().find(|name| *name == FIRST).or_else(|| languages().next()).or(self.0.first());
            return first.map_or((String::new(), vec![FIRST]), |first| (first.clone(), Vec::new()));
        }
        let (there, missing): (Vec<&str>, Vec<&str>) = asked.split('+').partition(|name| self.has(name));
        (there.join("+"), missing)
    }

    pub(super) fn shown(&self) -> String {
        if self.0.is_empty() { "none".to_owned() } else { self.0.join(", ") }
    }
}

/// Test whether a name is formed as Tesseract's are: three letters, a script, perhaps with a variant.
pub(super) fn is_formed(name: &str) -> bool {
    let code = name.split('_').next().unwrap_or_default();
    name.starts_with("script/") || (code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Letters from which on a text tells its language.
const ENOUGH_LETTERS: usize = 150;

/// Tesseract's name of the language of a text, where the text leaves little doubt.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    if text.chars().filter(|c| c.is_alphabetic()).count() < ENOUGH_LETTERS {
        return None;
    }
    let info = whatlang::detect(text).filter(whatlang::Info::is_reliable)?;
    // Both name languages by ISO 639-2/T, but for these.
    Some(match info.lang().code() {
        "cmn" => "chi_sim",
        "pes" => "fas",
        "nob" => "nor",
        code => code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_parted_from_what_is_not() {
        let installed = Installed::of_list("List of available languages (3):\neng\nosd\ndeu\n");
        assert_eq!(installed.part("eng+spa"), ("eng".into(), vec!["spa"]));
        assert_eq!(installed.part("osd"), (String::new(), vec!["osd"]));
        assert_eq!(installed.part("auto"), ("eng".into(), vec![]));
        assert_eq!(Installed::of_list("fra\ndeu").part("auto"), ("fra".into(), vec![]));
        assert_eq!(Installed::of_list("").part("auto"), (String::new(), vec!["eng"]));
        assert!(is_formed("eng") && is_formed("chi_sim") && is_formed("script/Latin") && !is_formed("xx"));
    }

    #[test]
    fn the_language_of_a_page_is_told_by_its_words() {
        let german = "Der Wächter des neunten Tores erwacht in der Dämmerung und zählt die Laternen, die entlang der Flußmauer hängen; und wenn eine von ihnen dunkel ist, so läutet er die kleinere Glocke und schreibt den Namen auf.";
        assert_eq!(of_text(german), Some("deu"));
        // As it is read by one who knows English alone.
        assert_eq!(of_text(&german.replace('ä', "a").replace('ß', "B")), Some("deu"));
        assert_eq!(of_text("Der Wächter"), None);
    }
}
