//! The program Tesseract: asked through pipes, stopped when its time is over, its table read.
//!
//! <https://github.com/tesseract-ocr/tesseract/blob/main/doc/tesseract.1.asc>

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::picture::Picture;
use super::recognition::OcrFailure;
use super::recognition::OcrSettings;
use crate::environment::ending_with_this_process;
use corpora_values::Area;

/// A recognised line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OcrLine {
    pub(crate) text: String,
    pub(crate) area: Area,
    /// Lines of one paragraph have one number, which grows from paragraph to paragraph.
    pub(crate) paragraph: u32,
    /// Certainty of Tesseract about its words, from 0 to 100.
    pub(crate) confidence: f32,
}

/// Words below this confidence are specks and strokes, not words.
const LEAST_CONFIDENCE: f32 = 25.0;

/// Lines without a letter or digit below this confidence are rules and borders.
const LEAST_CONFIDENCE_OF_SIGNS: f32 = 70.0;

/// More than this is no answer about one page.
const MOST_OUTPUT: usize = 32 << 20;

/// Time for the list of languages.
const LIST_TIME: Duration = Duration::from_secs(20);

/// Advice on what a person has to do before these languages can be used; nothing if all are there.
pub(super) fn missing_languages(program: &Path, settings: &OcrSettings) -> Option<String> {
    let (shown, languages) = (program.display(), &settings.languages);
    let mut command = ending_with_this_process(program, settings.under.as_deref());
    command.arg("--list-langs");
    let listed = match run(&mut command, &[], LIST_TIME) {
        // Older ones list on standard error: <https://github.com/tesseract-ocr/tesseract/issues/1083>.
        Ok(done) => format!("{}\n{}", String::from_utf8_lossy(&done.output), String::from_utf8_lossy(&done.errors)),
        Err(Stopped::Slow) => return Some(format!("'{shown} --list-langs' does not end")),
        Err(Stopped::Failed(e)) => return Some(format!("'{shown}' cannot be started: {e}")),
    };
    let known: Vec<&str> =
        listed.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(' ')).collect();
    let missing: Vec<&str> = languages.split('+').filter(|wanted| !known.contains(wanted)).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "--ocr-lang {} is not installed; tesseract --list-langs shows {}; install the language (Debian, Ubuntu: apt-get install tesseract-ocr-{}) and run again with --retry-failed",
            missing.join("+"),
            known.join(", "),
            missing[0].to_lowercase().replace(['_', '/'], "-"),
        )
    })
}

/// The lines on a picture, from the top of the first column to the end of the last.
pub(super) fn recognise(program: &Path, settings: &OcrSettings, picture: &Picture) -> Result<Vec<OcrLine>, OcrFailure> {
    let mut image = format!("P5 {} {} 255\n", picture.width, picture.height).into_bytes();
    image.extend_from_slice(&picture.pixels);
    let dots_per_inch = (picture.scale * 72.0).round().max(70.0);
    let mut command = ending_with_this_process(program, settings.under.as_deref());
    command
        .args(["stdin", "stdout", "-l", settings.languages.as_str(), "--dpi", &format!("{dots_per_inch:.0}")])
        .args(["-c", "tessedit_create_tsv=1"])
        // Documents are what is done side by side: <https://tesseract-ocr.github.io/tessdoc/FAQ.html>.
        .env("OMP_THREAD_LIMIT", "1");
    let done = run(&mut command, &image, settings.page_time).map_err(|stopped| match stopped {
        Stopped::Slow => OcrFailure::Slow,
        Stopped::Failed(e) => OcrFailure::Program(e.to_string()),
    })?;
    // It inherits the limit of processor time of a parse worker.
    if done.status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
        return Err(OcrFailure::Slow);
    }
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.errors);
        let last = errors.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it gave no reason");
        return Err(OcrFailure::Program(format!("{last} ({})", done.status)));
    }
    Ok(lines(&String::from_utf8_lossy(&done.output), picture.scale))
}

/// Reason for which a program did not come to its end.
enum Stopped {
    Slow,
    Failed(std::io::Error),
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error)
    }
}

struct Done {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

/// Runs a program to its end, or kills it when its time is over.
fn run(command: &mut Command, input: &[u8], time: Duration) -> Result<Done, Stopped> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let done = converse(&mut child, input, Instant::now() + time);
    if done.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    done
}

/// Writes and reads side by side: a program that answers before it has read everything must not wait for us.
fn converse(child: &mut Child, mut input: &[u8], deadline: Instant) -> Result<Done, Stopped> {
    let mut to = child.stdin.take().filter(|_| !input.is_empty());
    if let Some(to) = &to {
        rustix::io::ioctl_fionbio(to, true).map_err(std::io::Error::from)?;
    }
    let mut from = child.stdout.take();
    let mut complaints = child.stderr.take();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while to.is_some() || from.is_some() || complaints.is_some() {
        let left = deadline.checked_duration_since(Instant::now()).ok_or(Stopped::Slow)?;
        let left = Timespec::try_from(left).map_err(|_| Stopped::Slow)?;
        let mut ready = [false; 3];
        {
            let mut waiting: Vec<(usize, PollFd<'_>)> = Vec::with_capacity(3);
            waiting.extend(to.as_ref().map(|fd| (0, PollFd::new(fd, PollFlags::OUT))));
            waiting.extend(from.as_ref().map(|fd| (1, PollFd::new(fd, PollFlags::IN))));
            waiting.extend(complaints.as_ref().map(|fd| (2, PollFd::new(fd, PollFlags::IN))));
            let (names, mut fds): (Vec<usize>, Vec<PollFd<'_>>) = waiting.into_iter().unzip();
            match poll(&mut fds, Some(&left)) {
                Ok(0) => return Err(Stopped::Slow),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(Stopped::Failed(e.into())),
            }
            for (name, fd) in names.into_iter().zip(fds) {
                ready[name] = !fd.revents().is_empty();
            }
        }
        if ready[0]
            && let Some(pipe) = &mut to
        {
            match pipe.write(input) {
                Ok(n) => input = &input[n..],
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                // It wants no more of it; its exit status says why.
                Err(_) => input = &[],
            }
            if input.is_empty() {
                to = None;
            }
        }
        if ready[1] && read_some(&mut from, &mut output)? == 0 {
            from = None;
        }
        if ready[2] && read_some(&mut complaints, &mut errors)? == 0 {
            complaints = None;
        }
    }
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Done { status, output, errors });
        }
        if Instant::now() >= deadline {
            return Err(Stopped::Slow);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn read_some(from: &mut Option<impl Read>, to: &mut Vec<u8>) -> Result<usize, Stopped> {
    let Some(pipe) = from else { return Ok(0) };
    let mut buffer = [0; 16 << 10];
    let n = pipe.read(&mut buffer)?;
    if to.len() + n > MOST_OUTPUT {
        return Err(Stopped::Failed(std::io::Error::other("it says more than a page can hold")));
    }
    to.extend_from_slice(&buffer[..n]);
    Ok(n)
}

/// A word of the table.
struct Word<'a> {
    line: [u32; 3],
    area: Area,
    confidence: f32,
    text: &'a str,
}

/// Columns: level, page, block, paragraph, line, word, left, top, width, height, confidence, text. Level 5 is a word.
fn word(row: &str, scale: f32) -> Option<Word<'_>> {
    let columns: Vec<&str> = row.splitn(12, '\t').collect();
    let [level, _, block, paragraph, line, _, left, top, width, height, confidence, text] = columns[..] else {
        return None;
    };
    if level != "5" || text.trim().is_empty() {
        return None;
    }
    let pixels = |n: &str| n.parse::<i32>().ok();
    let (left, top, width, height) = (pixels(left)?, pixels(top)?, pixels(width)?, pixels(height)?);
    let tenths = |pixels: i32| (f64::from(pixels) / f64::from(scale) * 10.0).round() as i32;
    let area = Area {
        left: tenths(left),
        top: tenths(top),
        right: tenths(left.saturating_add(width)),
        bottom: tenths(top.saturating_add(height)),
    };
    let line = [block.parse().ok()?, paragraph.parse().ok()?, line.parse().ok()?];
    Some(Word { line, area, confidence: confidence.parse().ok()?, text: text.trim() })
}

/// Words as they are written: with spaces between them, where the script has any.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    // Kana, Han, compatibility and full-width forms: <https://www.unicode.org/Public/UNIDATA/Blocks.txt>.
    let is_spaceless = |c: char| matches!(c, '\u{3000}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}');
    let mut line = String::new();
    for word in words {
        let runs_on = line.ends_with(is_spaceless) && word.starts_with(is_spaceless);
        if !line.is_empty() && !runs_on {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn lines(table: &str, scale: f32) -> Vec<OcrLine> {
    let words: Vec<Word<'_>> =
        table.lines().filter_map(|row| word(row, scale)).filter(|w| w.confidence >= LEAST_CONFIDENCE).collect();
    let (mut lines, mut paragraph, mut last) = (Vec::new(), 0, None);
    for words in words.chunk_by(|a, b| a.line == b.line) {
        let text = joined(words.iter().map(|w| w.text));
        let confidence = words.iter().map(|w| w.confidence).sum::<f32>() / words.len() as f32;
        if confidence < LEAST_CONFIDENCE_OF_SIGNS && !text.contains(char::is_alphanumeric) {
            continue;
        }
        let [block, own, _] = words[0].line;
        if last.is_some_and(|last| last != [block, own]) {
            paragraph += 1;
        }
        last = Some([block, own]);
        let area = Area {
            left: words.iter().map(|w| w.area.left).min().unwrap_or(0),
            top: words.iter().map(|w| w.area.top).min().unwrap_or(0),
            right: words.iter().map(|w| w.area.right).max().unwrap_or(0),
            bottom: words.iter().map(|w| w.area.bottom).max().unwrap_or(0),
        };
        lines.push(OcrLine { text, area, paragraph, confidence });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_lines_with_areas_and_without_noise() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t600\t800\t-1\t\n\
            5\t1\t1\t1\t1\t1\t100\t50\t60\t30\t96.5\tglass\n\
            5\t1\t1\t1\t1\t2\t170\t52\t60\t28\t91.0\tmoth\n\
            5\t1\t1\t1\t2\t1\t100\t90\t60\t28\t12.0\t;~\n\
            5\t1\t1\t2\t1\t1\t100\t150\t60\t28\t95.0\tThorn\n\
            5\t1\t2\t1\t1\t1\t100\t250\t60\t28\t55.0\t||\n\
            5\t1\t3\t1\t1\t1\t100\tx\t60\t28\t95.0\tbroken\n\
            rubbish\n";
        let found = lines(table, 2.0);
        let shown: Vec<(&str, u32)> = found.iter().map(|l| (l.text.as_str(), l.paragraph)).collect();
        assert_eq!(shown, [("glass moth", 0), ("Thorn", 1)]);
        assert_eq!(found[0].area, Area { left: 500, top: 250, right: 1150, bottom: 400 });
    }

    #[test]
    fn words_are_parted_where_their_script_parts_them() {
        assert_eq!(joined(["glass", "moth"].into_iter()), "glass moth");
        assert_eq!(
            joined(["\u{6f22}", "\u{5b57}\u{3002}", "PDF", "\u{6587}"].into_iter()),
            "\u{6f22}\u{5b57}\u{3002} PDF \u{6587}"
        );
    }

    #[test]
    fn a_program_that_hangs_is_stopped_and_one_that_floods_is_read() {
        let started = Instant::now();
        let hangs = run(Command::new("sleep").arg("100"), &[7; 1 << 20], Duration::from_millis(300));
        assert!(matches!(hangs, Err(Stopped::Slow)));
        assert!(started.elapsed() < Duration::from_secs(20));
        let echoes = run(&mut Command::new("cat"), &[7; 1 << 20], Duration::from_secs(60));
        assert!(echoes.is_ok_and(|done| done.output.len() == 1 << 20 && done.status.success()));
        let deaf = run(&mut Command::new("true"), &[7; 1 << 20], Duration::from_secs(60));
        assert!(deaf.is_ok_and(|done| done.status.success()));
        assert!(matches!(run(&mut Command::new("/nowhere"), &[], Duration::from_secs(1)), Err(Stopped::Failed(_))));
    }
}
