//! Parsing in worker processes: a file that hangs, overflows the stack or eats memory kills its worker and
//! nothing else.
//!
//! The worker is this same program, started as `corpora parse-worker` and reused for many documents. Requests and
//! replies are frames on its standard input and output: a little-endian 32-bit length, then that many bytes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use crate::stages::parse;
use crate::store;
use crate::values::{Failure, FailureKind, Fingerprint};

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// Wall-clock time for one document.
    pub time: Duration,
    /// Address space that parsing may take, in bytes, beside what the worker itself needs.
    pub memory: u64,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(120), memory: 1 << 30 }
    }
}

/// A worker is replaced after this many documents, so that what its libraries leak stays small.
const DOCUMENTS_PER_WORKER: u32 = 1_000;

/// The reply to a request; the artifact follows in a frame of its own.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Parsed { notes: Vec<String> },
    Failed(Failure),
}

/// A parsed document as it goes into the store.
pub(super) struct Parsed {
    pub(super) artifact: Vec<u8>,
    pub(super) notes: Vec<String>,
}

/// One slot for a worker process; the process is started when it is first needed and after it died.
pub(super) struct ParseWorker {
    program: PathBuf,
    limits: ParseLimits,
    process: Option<Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    replies: ChildStdout,
    documents: u32,
}

impl ParseWorker {
    pub(super) fn new(program: PathBuf, limits: ParseLimits) -> Self {
        Self { program, limits, process: None }
    }

    /// Parses the file, which must still have the content `sha`.
    pub(super) fn parse(&mut self, file: &Path, sha: &Fingerprint) -> Result<Parsed, Failure> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.start()?,
        };
        let deadline = Instant::now() + self.limits.time;
        let outcome = process.ask(file, sha, deadline);
        match outcome {
            Ok((reply, artifact)) => {
                process.documents += 1;
                if process.documents < DOCUMENTS_PER_WORKER {
                    self.process = Some(process);
                } else {
                    process.end();
                }
                match reply {
                    Reply::Parsed { notes } => Ok(Parsed { artifact, notes }),
                    Reply::Failed(failure) => Err(failure),
                }
            }
            Err(Broken::Timeout) => {
                process.kill();
                Err(Failure::new(
                    FailureKind::Timeout,
                    format!(
                        "parsing took longer than {} s and was stopped; allow more with --parse-timeout, or leave the file out",
                        self.limits.time.as_secs()
                    ),
                ))
            }
            Err(Broken::Died) => Err(process.post_mortem(self.limits)),
        }
    }

    fn start(&self) -> Result<Process, Failure> {
        let mut command = Command::new(&self.program);
        command
            .arg("parse-worker")
            .arg(self.limits.memory.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: Ctrl-C is for the run to handle, which then finishes what is in flight.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().map_err(|e| Failure::new(FailureKind::Io, format!("cannot start a parse worker: {e}")))?;
        let requests = child.stdin.take().expect("stdin is piped");
        let replies = child.stdout.take().expect("stdout is piped");
        Ok(Process { child, requests, replies, documents: 0 })
    }
}

impl Drop for ParseWorker {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end();
        }
    }
}

enum Broken {
    Timeout,
    Died,
}

impl Process {
    fn ask(&mut self, file: &Path, sha: &Fingerprint, deadline: Instant) -> Result<(Reply, Vec<u8>), Broken> {
        use std::os::unix::ffi::OsStrExt;
        let mut request = sha.0.to_vec();
        request.extend_from_slice(file.as_os_str().as_bytes());
        write_frame(&mut self.requests, &request).map_err(|_| Broken::Died)?;
        let reply = self.read_frame(deadline)?;
        let reply: Reply = serde_json::from_slice(&reply).map_err(|_| Broken::Died)?;
        let artifact = if matches!(reply, Reply::Parsed { .. }) { self.read_frame(deadline)? } else { Vec::new() };
        Ok((reply, artifact))
    }

    fn read_frame(&mut self, deadline: Instant) -> Result<Vec<u8>, Broken> {
        let mut length = [0; 4];
        self.read_exact(&mut length, deadline)?;
        let mut frame = vec![0; u32::from_le_bytes(length) as usize];
        self.read_exact(&mut frame, deadline)?;
        Ok(frame)
    }

    fn read_exact(&mut self, mut buffer: &mut [u8], deadline: Instant) -> Result<(), Broken> {
        while !buffer.is_empty() {
            let left = deadline.checked_duration_since(Instant::now()).ok_or(Broken::Timeout)?;
            let left = Timespec::try_from(left).map_err(|_| Broken::Timeout)?;
            match poll(&mut [PollFd::new(&self.replies, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(Broken::Timeout),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return Err(Broken::Died),
            }
            match self.replies.read(buffer) {
                Ok(0) | Err(_) => return Err(Broken::Died),
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

    fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Why the process died, from its exit status and its last words.
    fn post_mortem(mut self, limits: ParseLimits) -> Failure {
        use std::os::unix::process::ExitStatusExt;
        let _ = self.child.kill();
        let status = self.child.wait();
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let mut bytes = Vec::new();
            let _ = (&mut stderr).take(64 * 1024).read_to_end(&mut bytes);
            words = String::from_utf8_lossy(&bytes).into_owned();
        }
        if words.contains("memory allocation of") {
            return Failure::new(
                FailureKind::Memory,
                format!(
                    "parsing needed more than {} MiB of memory and was stopped; allow more with --parse-memory, or leave the file out",
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
}

fn write_frame(to: &mut impl Write, frame: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| std::io::Error::from(std::io::ErrorKind::FileTooLarge))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(frame)?;
    to.flush()
}

/// The stack that a document may use; deep nesting is the commonest way to kill a parser.
const STACK: usize = 64 << 20;

/// Address space that a worker needs before it has read anything (an idle one was
/// measured to peak at 206 MiB with its stack, most of it reserved by the allocator and never touched).
const OWN_MEMORY: u64 = 160 << 20;

/// The worker's side: answers requests until its standard input ends. `memory` limits the process's address space,
/// in bytes.
///
/// # Errors
/// If standard input or output breaks, which means that the run is gone.
pub fn serve(memory: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, Signal, setrlimit};
    // The limit is about the document: the stack and the program itself come on top.
    let memory = Some(memory + STACK as u64 + OWN_MEMORY);
    let limit = Rlimit { current: memory, maximum: memory };
    setrlimit(Resource::As, limit)?;
    // A core file of each hostile document would fill the disk.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // What the parser says when it gives up goes into the reply, not to a terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let worker = std::thread::Builder::new().name("parse".into()).stack_size(STACK).spawn(serve_requests)?;
    worker.join().unwrap_or_else(|_| Err(std::io::Error::other("the parse thread panicked")))
}

fn serve_requests() -> std::io::Result<()> {
    let mut requests = std::io::stdin().lock();
    let mut replies = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    loop {
        let mut length = [0; 4];
        match requests.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        }
        let mut request = vec![0; u32::from_le_bytes(length) as usize];
        requests.read_exact(&mut request)?;
        let outcome = std::panic::catch_unwind(|| answer(&request)).unwrap_or_else(|panic| {
            Err(Failure::new(
                FailureKind::Damaged,
                format!("the file breaks the parser ({}); it is probably damaged", panic_words(&*panic)),
            ))
        });
        let (reply, artifact) = match outcome {
            Ok((notes, artifact)) => (Reply::Parsed { notes }, Some(artifact)),
            Err(failure) => (Reply::Failed(failure), None),
        };
        let reply = serde_json::to_vec(&reply).map_err(std::io::Error::other)?;
        write_frame(&mut replies, &reply)?;
        if let Some(artifact) = artifact {
            write_frame(&mut replies, &artifact)?;
        }
    }
}

/// What a panic said, for a failure's reason.
pub(super) fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

fn answer(request: &[u8]) -> Result<(Vec<String>, Vec<u8>), Failure> {
    use std::os::unix::ffi::OsStrExt;
    let (sha, file) = request.split_at(32);
    let bytes = std::fs::read(std::ffi::OsStr::from_bytes(file)).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Failure::new(
            FailureKind::Vanished,
            "the file was there when the run began and is gone now; put it back, or run again to leave it out",
        ),
        std::io::ErrorKind::OutOfMemory => Failure::new(
            FailureKind::Memory,
            "the file is too large for the memory limit; allow more with --parse-memory",
        ),
        _ => Failure::new(FailureKind::Io, format!("the file cannot be read: {e}")),
    })?;
    if Fingerprint::of(&bytes).0 != sha {
        return Err(Failure::new(
            FailureKind::Changed,
            "the file changed after the run began; run again to take up its new content",
        ));
    }
    let document = parse::parse(&bytes, &parse::ParseSettings::default(), &mut |_, _| {})?;
    drop(bytes);
    Ok((document.notes.clone(), store::encode(&document)))
}
