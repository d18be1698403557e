//! Reading of documents, and limits of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::choice::choice;
use super::load::SettingsError;
use crate::engine::{ParseLimits, defaults};
use crate::stages::parse::{OcrMode, OcrSettings, ParseSettings};
use crate::values::Choice;

/// Settings of reading documents.
#[derive(Debug, Clone, Args)]
pub(crate) struct ParsingSettings {
    /// Optical character recognition (by Tesseract): of pages that are pictures, of none, or of all.
    #[arg(long, value_name = "WHEN", env = "CORPORA_OCR", value_parser = choice::<OcrMode>(), default_value = OcrMode::default().word())]
    pub ocr: OcrMode,

    /// Languages of the recognition, by Tesseract's names: eng+deu; auto for that of each page.
    #[arg(long, value_name = "LANGUAGES", env = "CORPORA_OCR_LANG", default_value_t = OcrSettings::default().languages)]
    pub ocr_lang: String,

    /// A file with passwords of encrypted documents, one a line; they are stored and shown nowhere.
    #[arg(long, value_name = "FILE", env = "CORPORA_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
}

/// Settings of the processes that read documents.
#[derive(Debug, Clone, Args)]
pub(crate) struct ParseLimitSettings {
    /// Processor time that parsing one document may take; by the clock it may take four times as long.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_PARSE_TIMEOUT", default_value_t = defaults::PARSE_TIME.as_secs())]
    pub parse_timeout: u64,

    /// Memory that parsing one document may take.
    #[arg(long, value_name = "MIB", env = "CORPORA_PARSE_MEMORY", default_value_t = defaults::PARSE_MEMORY >> 20)]
    pub parse_memory: u64,
}

impl ParsingSettings {
    /// Settings of the parser. Reads the password file and looks for Tesseract on the search path.
    ///
    /// # Errors
    /// For languages that are not names, and for a password file that cannot be read.
    pub(crate) fn resolve(&self) -> Result<ParseSettings, SettingsError> {
        // They become an argument of another program.
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-'))
        };
        if !self.ocr_lang.split('+').all(is_name) {
            return Err(SettingsError::value(format!(
                "--ocr-lang '{}' names no languages; give Tesseract's names joined by +, such as eng+deu",
                self.ocr_lang
            )));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let ocr = OcrSettings {
            mode: self.ocr,
            languages: self.ocr_lang.clone(),
            program: find("tesseract", std::env::split_paths(&path)),
            under: std::env::current_exe().ok().filter(|own| own.to_str().is_some()),
            needs: ["TESSDATA_PREFIX", "LD_LIBRARY_PATH"]
                .iter()
                .filter_map(std::env::var_os)
                .flat_map(|places| std::env::split_paths(&places).collect::<Vec<_>>())
                .filter(|place| place.is_absolute() && place.to_str().is_some())
                .collect(),
            ..OcrSettings::default()
        };
        let passwords = self.password_file.as_deref().map(passwords).transpose()?.unwrap_or_default();
        Ok(ParseSettings { passwords, ocr, ..ParseSettings::default() })
    }
}

impl ParseLimitSettings {
    /// Limits of a parse worker.
    ///
    /// # Errors
    /// For limits that are out of range.
    pub(crate) fn resolve(&self) -> Result<ParseLimits, SettingsError> {
        let time = Duration::from_secs(self.parse_timeout);
        let memory = self.parse_memory.saturating_mul(1 << 20);
        if time.is_zero() || time > Duration::from_hours(24) || memory < 64 << 20 {
            let message = "--parse-timeout needs 1 s to a day, and --parse-memory at least 64 MiB";
            return Err(SettingsError::value(message));
        }
        Ok(ParseLimits { time, memory })
    }
}

/// The first program of this name in the folders.
fn find(name: &str, folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    folders.map(|folder| folder.join(name)).find(|file| {
        // Its name goes to the parse workers as text.
        file.to_str().is_some()
            && std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

/// One password a line. The lines are never part of a message.
fn passwords(file: &Path) -> Result<Vec<String>, SettingsError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| SettingsError::value(format!("the password file '{}' cannot be read: {e}", file.display())))?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(languages: &str) -> ParsingSettings {
        ParsingSettings { ocr: OcrMode::Auto, ocr_lang: languages.to_owned(), password_file: None }
    }

    #[test]
    fn passwords_are_lines_and_show_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passwords");
        std::fs::write(&file, "one two\r\n\nthree \n").unwrap();
        let settings = ParsingSettings { password_file: Some(file), ..settings("eng") }.resolve().unwrap();
        assert_eq!(settings.passwords, ["one two", "three "]);
        let shown = format!("{settings:?}");
        assert!(shown.contains("passwords: 2") && !shown.contains("three"), "{shown}");
    }

    #[test]
    fn languages_cannot_become_options() {
        for bad in ["", "-l", "eng+", "eng deu", "eng;deu", "+"] {
            assert!(settings(bad).resolve().is_err(), "{bad}");
        }
        for good in ["eng", "eng+deu", "chi_sim", "script/Latin"] {
            assert!(settings(good).resolve().is_ok(), "{good}");
        }
    }
}
