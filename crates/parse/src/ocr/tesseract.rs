//! The program Tesseract: asked through pipes, stopped when its time is over, its table read.
//!
//! <https://github.com/tesseract-ocr/tesseract/blob/main/doc/tesseract.1.asc>

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(target_os = "linux")]
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::languages::Installed;
use super::picture::Picture;
use super::recognition::{OcrFailure, OcrSettings};
use crate::environment::ending_with_this_process;

/// A word that was read, with its box on the picture in pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    /// Certainty, from 0 to 100.
    pub(super) confidence: f32,
    /// Numbers of its block, its paragraph and its line.
    pub(super) line: [u32; 3],
}

impl Word {
    /// Letters and digits of it.
    pub(super) fn letters(&self) -> usize {
        self.text.chars().filter(|c| c.is_alphanumeric()).count()
    }

    pub(super) fn height(&self) -> i32 {
        self.bottom - self.top
    }
}

/// More than this is no answer about one page.
const MOST_OUTPUT: usize = 32 << 20;

/// Times of processor time that something may take by the clock: what a page says must not depend on what else the machine does.
const CLOCK_FACTOR: u32 = 4;

/// End of the time for something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    clock: Instant,
    processor: Duration,
}

impl Deadline {
    /// The end of so much processor time, from now on.
    pub(super) fn of(processor: Duration) -> Self {
        Self { clock: Instant::now() + processor * CLOCK_FACTOR, processor }
    }

    /// Lets the system end a program when it has used the processor time; where the system does not, the clock ends it.
    #[cfg(target_os = "linux")]
    fn bind(self, child: &Child) {
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
        let Rlimit { current, maximum } = getrlimit(Resource::Cpu);
        // Whole seconds are what the system counts.
        let seconds = self.processor.as_secs() + 1;
        let least = [current, maximum].into_iter().flatten().fold(seconds, u64::min);
        let _ = prlimit(Some(pid), Resource::Cpu, Rlimit { current: Some(least), maximum });
    }

    #[cfg(not(target_os = "linux"))]
    fn bind(self, _: &Child) {}
}

/// Time for the list of languages.
const LIST_TIME: Duration = Duration::from_secs(20);

/// The languages that the program has.
///
/// # Errors
/// A sentence that says why it cannot be asked.
pub(super) fn installed(program: &Path, settings: &OcrSettings) -> Result<Installed, String> {
    let shown = program.display();
    let mut command = ending_with_this_process(program, settings.under.as_deref());
    command.arg("--list-langs");
    match run(&mut command, &[], Deadline::of(LIST_TIME)) {
        // Older ones list on standard error: <https://github.com/tesseract-ocr/tesseract/issues/1083>.
        Ok(done) => Ok(Installed::of_list(&format!(
            "{}\n{}",
            String::from_utf8_lossy(&done.output),
            String::from_utf8_lossy(&done.errors)
        ))),
        Err(Stopped::Slow) => Err(format!("'{shown} --list-langs' does not end")),
        Err(Stopped::Failed(e)) => Err(format!("'{shown}' cannot be started: {e}")),
    }
}

/// The words on a picture in these languages, from the top of the first column to the end of the last.
pub(super) fn recognise(
    settings: &OcrSettings,
    languages: &str,
    picture: &Picture,
    deadline: Deadline,
) -> Result<Vec<Word>, OcrFailure> {
    let program = settings.program.as_deref().expect("without a program there is a hindrance");
    let mut image = format!("P5 {} {} 255\n", picture.width, picture.height).into_bytes();
    image.extend_from_slice(&picture.pixels);
    let dots_per_inch = (picture.scale * 72.0).round().max(70.0);
    let mut command = ending_with_this_process(program, settings.under.as_deref());
    command
        .args(["stdin", "stdout", "-l", languages, "--dpi", &format!("{dots_per_inch:.0}")])
        .args(["-c", "tessedit_create_tsv=1"])
        // Pages and documents are what is done side by side: <https://tesseract-ocr.github.io/tessdoc/FAQ.html>.
        .env("OMP_THREAD_LIMIT", "1");
    let done = run(&mut command, &image, deadline).map_err(|stopped| match stopped {
        Stopped::Slow => OcrFailure::Slow,
        Stopped::Failed(e) => OcrFailure::Program(e.to_string()),
    })?;
    // Its own processor time is spent, or that of the parse worker, which it inherits.
    if done.status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
        return Err(OcrFailure::Slow);
    }
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.errors);
        let last = errors.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it gave no reason");
        return Err(OcrFailure::Program(format!("{last} ({})", done.status)));
    }
    Ok(String::from_utf8_lossy(&done.output).lines().filter_map(word).collect())
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
fn run(command: &mut Command, input: &[u8], deadline: Deadline) -> Result<Done, Stopped> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    deadline.bind(&child);
    let done = converse(&mut child, input, deadline.clock);
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

/// A word of the table. Columns: level, page, block, paragraph, line, word, left, top, width, height, confidence, text. Level 5 is a
/// word.
fn word(row: &str) -> Option<Word> {
    let columns: Vec<&str> = row.splitn(12, '\t').collect();
    let [level, _, block, paragraph, line, _, left, top, width, height, confidence, text] = columns[..] else {
        return None;
    };
    if level != "5" || text.trim().is_empty() {
        return None;
    }
    let pixels = |n: &str| n.parse::<i32>().ok();
    let (left, top, width, height) = (pixels(left)?, pixels(top)?, pixels(width)?, pixels(height)?);
    let (right, bottom) = (left.saturating_add(width), top.saturating_add(height));
    let line = [block.parse().ok()?, paragraph.parse().ok()?, line.parse().ok()?];
    let confidence = confidence.parse().ok().filter(|c: &f32| c.is_finite())?;
    (width > 0 && height > 0).then(|| Word { text: text.trim().to_owned(), left, top, right, bottom, confidence, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_words_with_their_boxes_and_what_is_broken_is_passed_over() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t600\t800\t-1\t\n\
            5\t1\t1\t1\t1\t1\t100\t50\t60\t30\t96.5\tglass\n\
            5\t1\t1\t1\t1\t2\t170\t52\t60\t28\t91.0\tmoth\n\
            5\t1\t1\t1\t2\t1\t100\t90\t60\t28\t12.0\t;~\n\
            5\t1\t1\t2\t1\t1\t100\t150\t60\t28\t95.0\tThorn\n\
            5\t1\t2\t1\t1\t1\t100\t250\t60\t28\t55.0\t||\n\
            5\t1\t3\t1\t1\t1\t100\tx\t60\t28\t95.0\tbroken\n\
            rubbish\n";
        let found: Vec<Word> = table.lines().filter_map(word).collect();
        let shown: Vec<(&str, u32)> = found.iter().map(|w| (w.text.as_str(), w.line[0])).collect();
        assert_eq!(shown, [("glass", 1), ("moth", 1), (";~", 1), ("Thorn", 1), ("||", 2)]);
        let Word { left, top, right, bottom, confidence, .. } = found[1];
        assert_eq!((left, top, right, bottom, confidence), (170, 52, 230, 80, 91.0));
    }

    #[test]
    fn a_program_that_hangs_is_stopped_and_one_that_floods_is_read() {
        let started = Instant::now();
        let hangs = run(Command::new("sleep").arg("100"), &[7; 1 << 20], Deadline::of(Duration::from_millis(75)));
        assert!(matches!(hangs, Err(Stopped::Slow)));
        assert!(started.elapsed() < Duration::from_secs(20));
        let soon = Deadline::of(Duration::from_secs(60));
        let echoes = run(&mut Command::new("cat"), &[7; 1 << 20], soon);
        assert!(echoes.is_ok_and(|done| done.output.len() == 1 << 20 && done.status.success()));
        let deaf = run(&mut Command::new("true"), &[7; 1 << 20], soon);
        assert!(deaf.is_ok_and(|done| done.status.success()));
        assert!(matches!(run(&mut Command::new("/nowhere"), &[], soon), Err(Stopped::Failed(_))));
        #[cfg(target_os = "linux")]
        {
            let patient =
                Deadline { clock: Instant::now() + Duration::from_secs(120), processor: Duration::from_millis(1) };
            let spins = run(Command::new("sh").args(["-c", "while :; do :; done"]), &[], patient);
            let ended = spins.ok().and_then(|done| done.status.signal());
            assert_eq!(
                ended,
                Some(rustix::process::Signal::XCPU.as_raw()),
                "its processor time is over long before the clock"
            );
        }
    }
}
