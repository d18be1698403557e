//! `corpora init`: a settings file with comments, tried at once.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command_line::shell_word;
use super::exit::{CommandError, Exit};
use super::init_args::InitArgs;
use super::screen;
use crate::settings::{Foreign, allow};

/// The file that is written.
const FILE: &str = "corpora.toml";

/// The provider that needs nothing.
const LOCAL: &str = "local";

/// What goes into the file.
struct Chosen {
    books: PathBuf,
    output: PathBuf,
    provider: String,
    model: Option<String>,
    base_url: Option<String>,
    key_file: Option<PathBuf>,
    max_cost: Option<f64>,
}

/// Writes the file, then runs `doctor` and a dry run with it. Nothing is sent to a provider but what `doctor` sends.
pub(super) fn run(args: &InitArgs) -> Result<Exit, CommandError> {
    if Path::new(FILE).exists() && !args.force {
        return Err(CommandError::bad_input(format!(
            "there is a {FILE} in this folder; change it, or give --force to replace it"
        )));
    }
    let chosen = choose(args)?;
    if !chosen.books.is_dir() {
        return Err(CommandError::bad_input(format!(
            "'{}' is not a folder; give the folder of the books: corpora init FOLDER",
            chosen.books.display()
        )));
    }
    let text = text(&chosen);
    std::fs::write(FILE, &text).map_err(|e| CommandError::bad_input(format!("'{FILE}' cannot be written: {e}")))?;
    // It came from here, and not with somebody's books.
    allow(Foreign::Settings(Path::new(FILE), &text), &|name| std::env::var_os(name))?;
    let books = shell_word(&chosen.books.display().to_string());
    writeln!(screen::err(), "{FILE} is written; this is what 'corpora doctor' says of it:\n")?;
    let well = own_command(&["doctor".as_ref()])?;
    writeln!(screen::err(), "\nand this is what 'corpora batch {books} --dry-run' would do:\n")?;
    let planned = own_command(&["batch".as_ref(), chosen.books.as_os_str(), "--dry-run".as_ref()])?;
    let next = if well { format!("corpora batch {books}") } else { "corpora doctor".to_owned() };
    writeln!(screen::err(), "\nnext      {next}")?;
    Ok(if well && planned { Exit::Done } else { Exit::BadInput })
}

/// Runs this program with a command; true if it ended well.
fn own_command(words: &[&std::ffi::OsStr]) -> Result<bool, CommandError> {
    let program = std::env::current_exe()?;
    Ok(Command::new(program).args(words).status()?.success())
}

/// What the line says; what it does not say is asked, or is the default.
fn choose(args: &InitArgs) -> Result<Chosen, CommandError> {
    let asks = !args.yes && std::io::stdin().is_terminal();
    let ask = |question: &str, default: &str| -> Result<String, CommandError> {
        if !asks {
            return Ok(default.to_owned());
        }
        let mut err = screen::err();
        write!(err, "{question} [{default}] ")?;
        err.flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let line = line.trim();
        Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
    };
    let books = match &args.books {
        Some(books) => books.clone(),
        None => ask("Folder of the books:", "books")?.into(),
    };
    let output = match &args.output {
        Some(output) => output.clone(),
        None => ask("Folder for the results:", "vocab")?.into(),
    };
    let provider = match &args.provider {
        Some(provider) => provider.clone(),
        None => ask("Who answers (local, anthropic, openai, gemini, ollama, ...):", LOCAL)?,
    };
    let is_remote = provider != LOCAL;
    let model = match &args.model {
        None if is_remote && asks => Some(ask("Model:", "")?).filter(|model| !model.is_empty()),
        given => given.clone(),
    };
    let max_cost = match args.max_cost {
        None if is_remote && asks => {
            let typed = ask("Most that all may cost, in dollars (nothing for no cap):", "")?;
            let wrong = |_| CommandError::bad_input(format!("'{typed}' is no sum of dollars; give for example 5"));
            if typed.is_empty() { None } else { Some(typed.parse().map_err(wrong)?) }
        }
        given => given,
    };
    let (base_url, key_file) = (args.base_url.clone(), args.key_file.clone());
    Ok(Chosen { books, output, provider, model, base_url, key_file, max_cost })
}

/// The file: what was chosen, and as comments what is often wanted.
fn text(chosen: &Chosen) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let books = shell_word(&chosen.books.display().to_string());
    let mut out = format!(
        "# Settings of corpora in this folder. Every option of 'corpora help batch' can stand here by its name;\n\
         # 'corpora config' shows what is in force, and where it came from. To run: corpora batch {books}\n\n\
         # Results and state.\noutput = {}\n\n\
         # Who answers: local needs no key and no network and costs nothing.\nprovider = {}\n",
        path(&chosen.output),
        quoted(&chosen.provider)
    );
    let mut setting = |comment: &str, key: &str, value: Option<String>, example: &str| {
        let _ = match value {
            Some(value) => writeln!(out, "\n# {comment}\n{key} = {value}"),
            None => writeln!(out, "\n# {comment}\n# {key} = {example}"),
        };
    };
    setting("The provider's model.", "model", chosen.model.as_deref().map(quoted), "\"claude-haiku-5-5\"");
    let url = chosen.base_url.as_deref().map(quoted);
    setting("Address of a server of your own.", "base_url", url, "\"http://127.0.0.1:8080/v1\"");
    let key = chosen.key_file.as_deref().map(path);
    setting("The key stands in a variable such as ANTHROPIC_API_KEY, or in a file.", "key_file", key, "\"key\"");
    let cost = chosen.max_cost.map(|dollars| format!("{dollars:.2}"));
    setting("Most that everything in the output folder may cost, in dollars.", "max_cost", cost, "5.00");
    setting("Limits of your account a minute; without them they are learnt from the provider.", "rpm", None, "1000");
    setting("Kinds of files that are taken from the folder.", "formats", None, "\"pdf,epub,docx\"");
    setting("What is told when a run has ended.", "on_end", None, "\"mail -s corpora me@example.com\"");
    out.push_str(
        "\n# What 'corpora --settings night batch ...' takes before the rest.\n[settings.night]\nprogress = \"plain\"\n",
    );
    if chosen.provider != LOCAL {
        out.push_str("# Half the price, done by the morning.\n# endpoint = \"batch\"\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_what_was_chosen_and_can_be_read() {
        let chosen = Chosen {
            books: "my books".into(),
            output: "vocab \"new\"".into(),
            provider: "anthropic".into(),
            model: Some("claude-haiku-5-5".into()),
            base_url: None,
            key_file: None,
            max_cost: Some(5.0),
        };
        let text = text(&chosen);
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["output"].as_str(), Some("vocab \"new\""));
        assert_eq!((table["model"].as_str(), table["max_cost"].as_float()), (Some("claude-haiku-5-5"), Some(5.0)));
        assert!(!table.contains_key("base_url") && table["settings"]["night"].is_table(), "{text}");
        assert!(text.contains("corpora batch 'my books'"));
    }
}
