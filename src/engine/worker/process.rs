//! The engine's side: starting workers, asking them, ending them, and telling why one died.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::confine::Confinement;
use super::frame::{DrawRequest, Orders, ParseRequest, Reply, write_frame};
use super::limits::{CLOCK_FACTOR, ParseLimits};
use super::parsed::{FoundTerms, Parsed, Position};
use super::program::ParseProgram;
use super::question::{Patient, Question, Unput};
use crate::engine::attempts::StageError;
use crate::engine::error::RunError;
use crate::stages::chunk::ChunkSettings;
use crate::stages::parse::{PagePicture, ParseSettings, clear_environment};
use crate::stages::pipeline::Method;
use crate::values::{Failure, FailureKind, Fingerprint};

/// A worker is replaced after this many documents, so that what its libraries leak stays small.
const DOCUMENTS_PER_WORKER: u32 = 1_000;

/// Time that a worker has to begin; on a busy machine it takes a few hundredths of a second.
const START: Duration = Duration::from_secs(60);

/// Most sections of a document that are left out because they end the worker.
const MOST_LEFT_OUT: usize = 5;

/// One slot for a worker process; the process is started when it is first needed and after it died.
pub(in crate::engine) struct ParseWorker<'a> {
    program: &'a ParseProgram,
    process: Option<Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    replies: ChildStdout,
    documents: u32,
}

impl<'a> ParseWorker<'a> {
    pub(in crate::engine) fn new(program: &'a ParseProgram) -> Self {
        Self { program, process: None }
    }

    /// Parses the file, which must still have the content `sha`. `progress` is told a few times a second how far it is. A page or a
    /// chapter that ends the worker twice, by its need of memory or time or by breaking the parser, is left out, and the others are
    /// kept; at most [`MOST_LEFT_OUT`] are.
    pub(in crate::engine) fn parse(
        &mut self,
        file: &Path,
        sha: &Fingerprint,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Parsed, StageError> {
        let share = self.program.share();
        let at_once = share.processors;
        let mut request = ParseRequest { sha: *sha, length: 0, exact: false, at_once, left_out: BTreeMap::new() };
        let mut first: Option<Failure> = None;
        loop {
            let mut last = None;
            let mut told = |at| {
                last = Some((at, Instant::now()));
                progress(at);
            };
            let (failure, died) = match self.ask(&Question::Parse(&request, file), &mut told) {
                Ok((Reply::Parsed { notes, gap }, artifact)) => return Ok(Parsed { artifact, notes, gap }),
                Ok(_) => return Err(nonsense().into()),
                Err(Ended::Failed(failure)) => (failure, false),
                Err(Ended::Died(failure)) => (failure, true),
                Err(Ended::NotStarted(error)) => return Err(StageError::Run(error)),
            };
            // What is left without the sections that end the worker may be nothing: then the first end says more.
            let section = last.filter(|_| died).and_then(|(at, when)| culprit(&failure, at, when, self.program.limits));
            let (Some(section), true) = (section, request.left_out.len() < MOST_LEFT_OUT) else {
                return Err(first.unwrap_or(failure).into());
            };
            // One page at a time: the one that was begun last is the one.
            request.at_once = 1;
            if std::mem::replace(&mut request.exact, true) {
                request.left_out.insert(section, self.reason(failure.kind));
            }
            first.get_or_insert(failure);
        }
    }

    /// Reason for which a section is left out.
    fn reason(&self, kind: FailureKind) -> String {
        let ParseLimits { time, memory } = self.program.limits;
        match kind {
            FailureKind::Memory => format!("it needs more memory than --parse-memory {}", memory >> 20),
            FailureKind::Timeout => format!("it takes more time than --parse-timeout {}", time.as_secs()),
            _ => "it breaks the parser".to_owned(),
        }
    }

    /// Finds the items of a parsed document as the store holds it, as the embedded provider does.
    pub(in crate::engine) fn terms(&mut self, parsed: &[u8], method: &Method) -> Result<FoundTerms, StageError> {
        match self.ask(&Question::Terms(method, parsed), &mut |_| {}) {
            Ok((Reply::Found { terms, notes }, artifact)) => Ok(FoundTerms { artifact, terms, notes }),
            Ok(_) => Err(nonsense().into()),
            Err(Ended::Failed(failure) | Ended::Died(failure)) => Err(failure.into()),
            Err(Ended::NotStarted(error)) => Err(StageError::Run(error)),
        }
    }

    /// Cuts a parsed document, as the store holds it, into chunks, as the store will hold them.
    pub(in crate::engine) fn chunks(&mut self, parsed: &[u8], sizes: ChunkSettings) -> Result<Vec<u8>, StageError> {
        match self.ask(&Question::Chunks(sizes, parsed), &mut |_| {}) {
            Ok((Reply::Cut, artifact)) => Ok(artifact),
            Ok(_) => Err(nonsense().into()),
            Err(Ended::Failed(failure) | Ended::Died(failure)) => Err(failure.into()),
            Err(Ended::NotStarted(error)) => Err(StageError::Run(error)),
        }
    }

    /// Draws a page of the file, which must still have the content `sha`.
    fn draw(&mut self, file: &Path, request: &DrawRequest) -> Result<PagePicture, StageError> {
        match self.ask(&Question::Draw(request, file), &mut |_| {}) {
            Ok((Reply::Drawn { size, scale, places }, png)) => Ok(PagePicture { png, size, scale, places }),
            Ok(_) => Err(nonsense().into()),
            Err(Ended::Failed(failure) | Ended::Died(failure)) => Err(failure.into()),
            Err(Ended::NotStarted(error)) => Err(StageError::Run(error)),
        }
    }

    /// Asks a worker, and a fresh one if an old one has no memory left: what earlier documents left behind counts against the limit,
    /// and is not this document's.
    fn ask(&mut self, question: &Question<'_>, progress: &mut dyn FnMut(Position)) -> Result<(Reply, Vec<u8>), Ended> {
        let used = self.process.is_some();
        match self.once(question, progress) {
            Err(Ended::Failed(failure) | Ended::Died(failure)) if failure.kind == FailureKind::Memory && used => {
                if let Some(process) = self.process.take() {
                    process.end();
                }
                self.once(question, progress)
            }
            outcome => outcome,
        }
    }

    fn once(&mut self, question: &Question<'_>, progress: &mut dyn FnMut(Position)) -> Result<(Reply, Vec<u8>), Ended> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.start().map_err(Ended::NotStarted)?.0,
        };
        let limits = self.program.limits;
        match process.ask(question, limits, progress) {
            Ok(outcome) => {
                process.documents += 1;
                if process.documents < DOCUMENTS_PER_WORKER {
                    self.process = Some(process);
                } else {
                    process.end();
                }
                outcome.map_err(Ended::Failed)
            }
            Err(Unput::Refused(failure)) => {
                self.process = Some(process);
                Err(Ended::Failed(failure))
            }
            Err(Unput::Machine(source)) => {
                self.process = Some(process);
                Err(Ended::NotStarted(RunError::Machine { action: "open a document", source }))
            }
            Err(Unput::Cut(failure)) => {
                let _ = process.kill();
                Err(Ended::Failed(failure))
            }
            Err(Unput::Timeout) => {
                let _ = process.kill();
                let seconds = (limits.time * CLOCK_FACTOR).as_secs();
                Err(Ended::Died(too_long(question.work(), format_args!("{seconds} s by the clock"))))
            }
            Err(Unput::Died) => Err(Ended::Died(process.post_mortem(question.work(), limits))),
        }
    }

    /// A worker that is ready. What keeps one from starting is the machine's trouble, and no document's.
    fn start(&self) -> Result<(Process, Confinement), RunError> {
        let ParseProgram { program, settings, limits, .. } = self.program;
        let failed = |source| RunError::Machine { action: "start a parse worker", source };
        let orders = Orders::to_bytes(settings, limits).map_err(failed)?;
        let mut command = Command::new(program);
        clear_environment(&mut command);
        command
            .arg("parse-worker")
            .arg(limits.memory.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: Ctrl-C is for the run to handle, which then finishes what is in flight.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(failed)?;
        let requests = child.stdin.take().expect("stdin is piped");
        let replies = child.stdout.take().expect("stdout is piped");
        rustix::io::ioctl_fionbio(&requests, true).map_err(|e| failed(e.into()))?;
        let mut process = Process { child, requests, replies, documents: 0 };
        let deadline = Instant::now() + START;
        // A worker that does not take them says why with its last words.
        let _ = write_frame(&mut Patient { to: &mut process.requests, deadline }, &orders);
        let reply = process.read_frame(deadline);
        match reply.ok().and_then(|reply| serde_json::from_slice(&reply).ok()) {
            Some(Reply::Ready(confinement)) => Ok((process, confinement)),
            _ => Err(failed(std::io::Error::other(process.last_words()))),
        }
    }
}

/// Confinement that a worker of `program` finds on this system: it is started, asked nothing, and ended.
///
/// # Errors
/// If it cannot be started.
pub fn confinement(program: &Path, settings: &ParseSettings) -> Result<Confinement, RunError> {
    let (program, settings, limits) = (program.to_path_buf(), settings.clone(), ParseLimits::default());
    let program = ParseProgram::new(program, settings, limits);
    let (process, confinement) = ParseWorker::new(&program).start()?;
    process.end();
    Ok(confinement)
}

/// Picture of page `page` of a PDF that must have the content `sha`, with the places of `words`, drawn by a worker of `program` as one is confined:
/// whoever wrote the file draws nothing in this process.
///
/// # Errors
/// With words about the file, the page or the machine.
pub fn picture_of_page(
    program: &Path,
    settings: &ParseSettings,
    (file, sha): (&Path, Fingerprint),
    page: u32,
    words: Vec<String>,
) -> Result<PagePicture, String> {
    let (program, settings, limits) = (program.to_path_buf(), settings.clone(), ParseLimits::default());
    let program = ParseProgram::new(program, settings, limits);
    let request = DrawRequest { sha, length: 0, page, words };
    ParseWorker::new(&program).draw(file, &request).map_err(|error| match error {
        StageError::Failure(failure) => failure.message,
        StageError::Run(error) => error.to_string(),
    })
}

impl Drop for ParseWorker<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end();
        }
    }
}

/// End of asking a worker without an answer.
enum Ended {
    /// It says why it cannot be done.
    Failed(Failure),
    /// It died of it.
    Died(Failure),
    /// There was none to ask.
    NotStarted(RunError),
}

impl Process {
    fn ask(
        &mut self,
        question: &Question<'_>,
        limits: ParseLimits,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Result<(Reply, Vec<u8>), Failure>, Unput> {
        let started = Instant::now();
        // Pages that are being recognised are not counted yet, and end by themselves.
        let until = |ocr_pages: u32| started + (limits.time + limits.ocr_page_time() * (ocr_pages + 1)) * CLOCK_FACTOR;
        let mut deadline = until(0);
        question.put(&mut self.requests, deadline)?;
        loop {
            let reply = self.read_frame(deadline)?;
            match serde_json::from_slice(&reply).map_err(|_| Unput::Died)? {
                Reply::Progress { section, done, total, ocr_pages } => {
                    // Progress alone buys no time; pages that are recognised do.
                    deadline = until(ocr_pages);
                    progress(Position { section, done, total });
                }
                // It comes once, and has come.
                Reply::Ready(_) => return Err(Unput::Died),
                Reply::Failed(failure) => return Ok(Err(failure)),
                reply @ (Reply::Parsed { .. } | Reply::Found { .. } | Reply::Cut | Reply::Drawn { .. }) => {
                    let artifact = self.read_frame(deadline)?;
                    return Ok(Ok((reply, artifact)));
                }
            }
        }
    }

    fn read_frame(&mut self, deadline: Instant) -> Result<Vec<u8>, Unput> {
        let mut length = [0; 4];
        self.read_exact(&mut length, deadline)?;
        let mut frame = vec![0; u32::from_le_bytes(length) as usize];
        self.read_exact(&mut frame, deadline)?;
        Ok(frame)
    }

    fn read_exact(&mut self, mut buffer: &mut [u8], deadline: Instant) -> Result<(), Unput> {
        while !buffer.is_empty() {
            let left = deadline.checked_duration_since(Instant::now()).ok_or(Unput::Timeout)?;
            let left = Timespec::try_from(left).map_err(|_| Unput::Timeout)?;
            match poll(&mut [PollFd::new(&self.replies, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(Unput::Timeout),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return Err(Unput::Died),
            }
            match self.replies.read(buffer) {
                Ok(0) | Err(_) => return Err(Unput::Died),
                Ok(n) => buffer = &mut buffer[n..],
            }
        }
        Ok(())
    }

    /// Lets an idle worker end by itself.
    fn end(self) {
        let Self { mut child, requests, replies, .. } = self;
        drop((requests, replies));
        let _ = child.wait();
    }

    /// Ends the worker and what it started, such as a recognition that goes on.
    fn kill(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child.wait()
    }

    /// Words of a worker that ends before it is ready.
    fn last_words(mut self) -> String {
        let status = self.kill();
        let words = self.complaints();
        match (words.trim(), status) {
            ("", Ok(status)) => format!("it ended with {status} and no word"),
            ("", Err(e)) => format!("it cannot be waited for: {e}"),
            (words, _) => words.to_owned(),
        }
    }

    /// Reason for which the process died, from its exit status and its last words.
    fn post_mortem(mut self, work: &str, limits: ParseLimits) -> Failure {
        // A process closes its pipes after the reason for its end is fixed: this kill cannot become the reason.
        let status = self.kill();
        let words = self.complaints();
        death(status, &words, work, limits)
    }

    /// Everything that the worker has said on standard error, up to a bound.
    fn complaints(&mut self) -> String {
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let mut bytes = Vec::new();
            let _ = (&mut stderr).take(64 * 1024).read_to_end(&mut bytes);
            words = String::from_utf8_lossy(&bytes).into_owned();
        }
        words
    }
}

/// Number of the section that a worker died of, if it can be told: the one after the last that was done. Time is used up by all sections
/// together, unless the last one alone took a good part of it.
fn culprit(failure: &Failure, at: Position, when: Instant, limits: ParseLimits) -> Option<u32> {
    let is_its_own = match failure.kind {
        FailureKind::Memory | FailureKind::Crashed => true,
        FailureKind::Timeout => when.elapsed() >= limits.time / 2,
        _ => false,
    };
    (is_its_own && at.done < at.total).then_some(at.done + 1)
}

/// Failure of a document about which a worker says what was not asked.
fn nonsense() -> Failure {
    Failure::new(
        FailureKind::Crashed,
        "the parse worker gave another answer than was asked for; --retry-failed tries again",
    )
}

/// Failure of the document that a worker read when it died.
fn death(status: std::io::Result<ExitStatus>, words: &str, work: &str, limits: ParseLimits) -> Failure {
    use std::os::unix::process::ExitStatusExt;
    if words.contains("memory allocation of") {
        return Failure::new(
            FailureKind::Memory,
            format!(
                "{work} needed more than {} MiB of memory and was stopped; allow more with --parse-memory, or leave the file out",
                limits.memory >> 20
            ),
        );
    }
    if words.contains("overflowed its stack") {
        return Failure::new(
            FailureKind::Crashed,
            "the file is nested so deeply that the parser ran out of stack; leave the file out",
        );
    }
    let how = match status {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(signal), _) if signal == Signal::XCPU.as_raw() => {
                return too_long(work, format_args!("{} s of processor time", limits.time.as_secs()));
            }
            (Some(signal), _) if signal == Signal::KILL.as_raw() => {
                format!("was stopped by signal {signal} (perhaps by the system, for want of memory)")
            }
            (Some(signal), _) => format!("was stopped by signal {signal}"),
            (None, Some(code)) => format!("ended with exit code {code}"),
            (None, None) => "ended".to_owned(),
        },
        Err(e) => format!("cannot be waited for ({e})"),
    };
    Failure::new(
        FailureKind::Crashed,
        format!("the parse worker {how} while it read this file; --retry-failed tries again"),
    )
}

fn too_long(work: &str, time: std::fmt::Arguments<'_>) -> Failure {
    Failure::new(
        FailureKind::Timeout,
        format!("{work} took more than {time} and was stopped; allow more with --parse-timeout, or leave the file out"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn failure(error: StageError) -> Failure {
        match error {
            StageError::Failure(failure) => failure,
            StageError::Run(error) => panic!("{error}"),
        }
    }

    #[test]
    fn each_death_has_its_reason() {
        let limits = ParseLimits { time: Duration::from_secs(7), memory: 1 << 30 };
        let of = |signal, words| {
            let failure = death(Ok(ExitStatus::from_raw(signal)), words, "parsing", limits);
            (failure.kind, failure.message)
        };
        let (kind, message) = of(24, "");
        assert_eq!(kind, FailureKind::Timeout);
        assert!(message.contains("more than 7 s of processor time"), "{message}");
        let (kind, message) = of(6, "memory allocation of 123 bytes failed");
        assert_eq!(kind, FailureKind::Memory);
        assert!(message.contains("more than 1024 MiB"), "{message}");
        let (kind, message) = of(6, "thread 'parse' has overflowed its stack");
        assert_eq!(kind, FailureKind::Crashed);
        assert!(message.contains("ran out of stack"), "{message}");
        assert!(of(11, "").1.contains("stopped by signal 11 while it read this file"));
        assert!(of(9, "").1.contains("for want of memory"));
        assert!(of(70 << 8, "").1.contains("exit code 70"));
    }

    /// A worker of a few lines of shell.
    fn program(dir: &Path, script: &str, time: Duration) -> ParseProgram {
        use std::os::unix::fs::PermissionsExt;
        let program = dir.join("worker");
        // First it says that it is ready, in 41 bytes of JSON.
        let ready = r#"printf '\051\000\000\000{"Ready":{"files":"None","calls":"None"}}'"#;
        std::fs::write(&program, format!("#!/bin/sh\n{ready}\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        ParseProgram::new(program, ParseSettings::default(), ParseLimits { time, memory: 1 << 30 })
    }

    /// Result of asking such a worker.
    fn asked(script: &str, told: &mut u32) -> Result<Parsed, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let program = program(dir.path(), script, Duration::from_millis(100));
        ParseWorker::new(&program).parse(&program.program, &Fingerprint([0; 32]), &mut |_| *told += 1).map_err(failure)
    }

    #[test]
    fn memory_that_earlier_documents_left_behind_is_not_this_documents() {
        let dir = tempfile::tempdir().unwrap();
        let frames = |replies: &[&[u8]]| {
            let mut bytes = Vec::new();
            replies.iter().for_each(|reply| write_frame(&mut bytes, reply).unwrap());
            bytes
        };
        let parsed = serde_json::to_vec(&Reply::Parsed { notes: Vec::new(), gap: None }).unwrap();
        let full = Reply::Failed(Failure::new(FailureKind::Memory, "no more"));
        let full = serde_json::to_vec(&full).unwrap();
        let ask = |replies: &[&[u8]], documents: usize| -> Vec<Option<FailureKind>> {
            std::fs::write(dir.path().join("replies"), frames(replies)).unwrap();
            let script = format!("cat '{}'; exec cat >/dev/null", dir.path().join("replies").display());
            let program = program(dir.path(), &script, Duration::from_secs(60));
            let mut worker = ParseWorker::new(&program);
            let mut one =
                || worker.parse(&program.program, &Fingerprint([0; 32]), &mut |_| {}).err().map(|e| failure(e).kind);
            (0..documents).map(|_| one()).collect()
        };
        // A worker that reads one document and has no memory for the next: each is read by a fresh one.
        assert_eq!(ask(&[&parsed, b"artifact", &full], 4), [None; 4]);
        // What is too much for a fresh one is too much.
        assert_eq!(ask(&[&full], 1), [Some(FailureKind::Memory)]);
        assert_eq!(ask(&[&parsed, b"artifact", &full, &full], 2), [None, None]);
    }

    #[test]
    fn a_worker_that_cannot_begin_is_the_machines_trouble_and_no_documents() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = program(dir.path(), "", Duration::from_secs(60));
        let said = |program: &ParseProgram| {
            let outcome = ParseWorker::new(program).parse(Path::new("/dev/null"), &Fingerprint([0; 32]), &mut |_| {});
            match outcome.err().expect("nobody parsed") {
                StageError::Run(error @ RunError::Machine { .. }) => error.to_string(),
                StageError::Run(error) => panic!("{error}"),
                StageError::Failure(failure) => panic!("the document is blamed: {failure}"),
            }
        };
        std::fs::write(&program.program, "#!/bin/sh\necho 'no room for me' >&2; exit 70\n").unwrap();
        assert!(said(&program).contains("no room for me"));
        std::fs::write(&program.program, "#!/bin/sh\nexit 3\n").unwrap();
        assert!(said(&program).contains("exit status: 3"), "{}", said(&program));
        program.program = dir.path().join("nobody");
        assert!(said(&program).contains("start a parse worker"));
    }

    #[test]
    fn progress_buys_no_time() {
        // 64 bytes of JSON after the length.
        let script = r#"while :; do printf '\100\000\000\000{"Progress":{"section":"page","done":1,"total":2,"ocr_pages":0}}'; done"#;
        let (started, mut told) = (Instant::now(), 0);
        let failure = asked(script, &mut told).err().unwrap();
        assert_eq!((failure.kind, told > 10), (FailureKind::Timeout, true), "{failure}, {told} times told");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_worker_that_talks_nonsense_or_says_nothing_is_ended() {
        let mut told = 0;
        assert_eq!(
            asked("printf '\\002\\000\\000\\000{}'; sleep 1000", &mut told).err().unwrap().kind,
            FailureKind::Crashed
        );
        assert_eq!(asked("exit 3", &mut told).err().unwrap().kind, FailureKind::Crashed);
        assert_eq!(asked("exec sleep 1000", &mut told).err().unwrap().kind, FailureKind::Timeout);
    }
}
