//! From options, files and the search path to what the parser is told.

use std::path::{Path, PathBuf};

use super::args::{OcrArg, ParsingArgs};
use super::exit::CommandError;
use crate::stages::parse::{OcrMode, OcrSettings, ParseSettings};

impl From<OcrArg> for OcrMode {
    fn from(mode: OcrArg) -> Self {
        match mode {
            OcrArg::Auto => Self::Auto,
            OcrArg::Off => Self::Off,
            OcrArg::Force => Self::Force,
        }
    }
}

/// Checks the options and finds what they name.
pub(super) fn resolve(args: &ParsingArgs) -> Result<ParseSettings, CommandError> {
    let defaults = OcrSettings::default();
    let languages = args.ocr_lang.clone().unwrap_or_else(|| defaults.languages.clone());
    // They become an argument of another program.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-'))
    };
    if !languages.split('+').all(is_name) {
        return Err(CommandError::bad_input(format!(
            "--ocr-lang '{languages}' names no languages; give Tesseract's names joined by +, such as eng+deu"
        )));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ocr = OcrSettings {
        mode: args.ocr.map_or(defaults.mode, Into::into),
        languages,
        program: find("tesseract", std::env::split_paths(&path)),
        ..defaults
    };
    let passwords = args.password_file.as_deref().map(passwords).transpose()?.unwrap_or_default();
    Ok(ParseSettings { passwords, ocr, ..ParseSettings::default() })
}

/// The first program of this name in the folders.
pub(super) fn find(name: &str, folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    folders.map(|folder| folder.join(name)).find(|file| {
        // Its name goes to the parse workers as text.
        file.to_str().is_some()
            && std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

/// One password a line. The lines are never part of a message.
fn passwords(file: &Path) -> Result<Vec<String>, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| CommandError::bad_input(format!("the password file '{}' cannot be read: {e}", file.display())))?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_lines_and_show_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passwords");
        std::fs::write(&file, "one two\r\n\nthree \n").unwrap();
        let args = ParsingArgs { password_file: Some(file), ..ParsingArgs::default() };
        let settings = resolve(&args).ok().unwrap();
        assert_eq!(settings.passwords, ["one two", "three "]);
        let shown = format!("{settings:?}");
        assert!(shown.contains("passwords: 2") && !shown.contains("three"), "{shown}");
    }

    #[test]
    fn languages_cannot_become_options() {
        for bad in ["", "-l", "eng+", "eng deu", "eng;deu", "+"] {
            let args = ParsingArgs { ocr_lang: Some(bad.to_owned()), ..ParsingArgs::default() };
            assert!(resolve(&args).is_err(), "{bad}");
        }
        for good in ["eng", "eng+deu", "chi_sim", "script/Latin"] {
            let args = ParsingArgs { ocr_lang: Some(good.to_owned()), ..ParsingArgs::default() };
            assert!(resolve(&args).is_ok(), "{good}");
        }
    }
}
