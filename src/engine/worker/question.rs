//! Questions on their way to a worker, whose standard input may stand still.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ChildStdin;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::frame::{DrawRequest, ParseRequest, Request, write_frame};
use crate::engine::error::is_of_the_machine;
use crate::engine::parse_here::{changed, unreadable};
use crate::stages::chunk::ChunkSettings;
use crate::stages::pipeline::Method;
use crate::values::Failure;

/// Question to a worker, with what belongs to it.
pub(super) enum Question<'a> {
    /// Parse the document in a file.
    Parse(&'a ParseRequest, &'a Path),
    /// Find the items of a parsed document, as the store holds it.
    Terms(&'a Method, &'a [u8]),
    /// Cut a parsed document, as the store holds it, into chunks.
    Chunks(ChunkSettings, &'a [u8]),
    /// Draw a page of the document in a file.
    Draw(&'a DrawRequest, &'a Path),
}

/// Reason for which a question did not reach its worker.
pub(super) enum Unput {
    /// The worker takes nothing any more.
    Died,
    /// It takes too little of it in the time.
    Timeout,
    /// Nothing was asked: the document cannot be read. The worker is as it was.
    Refused(Failure),
    /// Nothing was asked: the machine has no room to open the document.
    Machine(std::io::Error),
    /// The worker waits for more of the document than there is.
    Cut(Failure),
}

impl From<std::io::Error> for Unput {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::TimedOut { Self::Timeout } else { Self::Died }
    }
}

impl Question<'_> {
    /// Work that is asked for, as the subject of a sentence.
    pub(super) fn work(&self) -> &'static str {
        match self {
            Self::Parse(..) => "parsing",
            Self::Terms(..) => "finding its terms",
            Self::Chunks(..) => "cutting it into chunks",
            Self::Draw(..) => "drawing its page",
        }
    }

    /// Sends it.
    pub(super) fn put(&self, to: &mut ChildStdin, deadline: Instant) -> Result<(), Unput> {
        let mut to = Patient { to, deadline };
        match self {
            Self::Terms(method, parsed) => put_with(&mut to, &Request::Terms((*method).clone()), parsed)?,
            Self::Chunks(sizes, parsed) => put_with(&mut to, &Request::Chunks(*sizes), parsed)?,
            Self::Parse(request, file) => {
                put_file(&mut to, file, |length| Request::Parse(ParseRequest { length, ..(*request).clone() }))?;
            }
            Self::Draw(request, file) => {
                put_file(&mut to, file, |length| Request::Draw(DrawRequest { length, ..(*request).clone() }))?;
            }
        }
        Ok(())
    }
}

/// Sends a request about a document of so many bytes, and these.
fn put_file(to: &mut impl Write, file: &Path, request: impl FnOnce(u64) -> Request) -> Result<(), Unput> {
    let refused = |e: std::io::Error| match is_of_the_machine(&e) {
        true => Unput::Machine(e),
        false => Unput::Refused(unreadable(&e)),
    };
    let file = File::open(file).map_err(refused)?;
    let length = file.metadata().map_err(refused)?.len();
    write_frame(to, &serde_json::to_vec(&request(length)).map_err(std::io::Error::from)?)?;
    if copy(file.take(length), to)? < length {
        return Err(Unput::Cut(changed()));
    }
    Ok(())
}

/// Sends a request with what belongs to it.
fn put_with(to: &mut impl Write, request: &Request, parsed: &[u8]) -> std::io::Result<()> {
    write_frame(to, &serde_json::to_vec(request)?)?;
    write_frame(to, parsed)
}

/// Bytes of a document that are under way at a time: as many as a pipe holds.
const BUFFER: usize = 64 << 10;

/// Copies all there is.
fn copy(mut from: impl Read, to: &mut impl Write) -> Result<u64, Unput> {
    let (mut buffer, mut copied) = (vec![0; BUFFER], 0);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(n) => {
                to.write_all(&buffer[..n])?;
                copied += n as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Unput::Cut(unreadable(&e))),
        }
    }
}

/// Standard input of a worker that is no longer waited for than until a deadline. It must not block.
pub(super) struct Patient<'a> {
    pub(super) to: &'a mut ChildStdin,
    pub(super) deadline: Instant,
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            match self.to.write(bytes) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            let over = || std::io::Error::from(std::io::ErrorKind::TimedOut);
            let left = self.deadline.checked_duration_since(Instant::now()).ok_or_else(over)?;
            let left = Timespec::try_from(left).map_err(|_| over())?;
            match poll(&mut [PollFd::new(&*self.to, PollFlags::OUT)], Some(&left)) {
                Ok(0) => return Err(over()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
