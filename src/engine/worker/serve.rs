//! The worker's side: one document after another, within limits that the system enforces.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::confine::{Confinement, confine};
use super::frame::{DrawRequest, Orders, ParseRequest, Reply, Request, write_frame};
use crate::engine::parse_here::{STACK, broken, changed, too_large};
use crate::stages::chunk;
use crate::stages::extract;
use crate::stages::parse::{self, ParseSettings};
use crate::stages::pipeline::Method;
use crate::store;
use crate::values::{Failure, FailureKind, Fingerprint, Format, ParsedDocument, SectionKind};

/// Address space that a worker needs before it has read anything (an idle one was
/// measured to peak at 206 MiB with its stack, most of it reserved by the allocator and never touched).
const OWN_MEMORY: u64 = 160 << 20;

/// Least time between two words about a document's progress, after the first.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers requests until standard input ends. `memory` limits the process's address space, in bytes.
///
/// # Errors
/// If standard input or output breaks, which means that the run is gone.
pub fn serve(memory: u64) -> std::io::Result<()> {
    // The limit is about the document: the stack and the program itself come on top.
    let memory = memory + STACK as u64 + OWN_MEMORY;
    // One that is inherited can only be lowered.
    let memory = Some(getrlimit(Resource::As).maximum.map_or(memory, |most| most.min(memory)));
    setrlimit(Resource::As, Rlimit { current: memory, maximum: memory })?;
    // A core file of each hostile document would fill the disk.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // What the parser says when it gives up goes into the reply, not to a terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let Some(orders) = read_frame(&mut std::io::stdin().lock())? else { return Ok(()) };
    let orders: Orders = serde_json::from_slice(&orders)?;
    let time = orders.time;
    let settings = orders.settings();
    // Of this thread and all that it starts; before the first byte of a document.
    let confinement = confine(&settings.ocr);
    let serve = move || serve_requests(time, settings, confinement);
    let worker = std::thread::Builder::new().name("parse".into()).stack_size(STACK).spawn(serve)?;
    worker.join().unwrap_or_else(|_| Err(std::io::Error::other("the parse thread panicked")))
}

fn serve_requests(time: Duration, mut settings: ParseSettings, confinement: Confinement) -> std::io::Result<()> {
    let mut requests = std::io::stdin().lock();
    let mut replies = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    write_frame(&mut replies, &serde_json::to_vec(&Reply::Ready(confinement))?)?;
    while let Some(request) = read_frame(&mut requests)? {
        let request: Request = serde_json::from_slice(&request)?;
        settings.ocr_count = parse::OcrCount::default();
        let mut allowance = Allowance::begin(time, &settings)?;
        let attached = match &request {
            Request::Parse(ParseRequest { sha, length, .. }) | Request::Draw(DrawRequest { sha, length, .. }) => {
                read_document(&mut requests, sha, *length)?
            }
            Request::Terms(_) | Request::Chunks(_) => Ok(read_frame(&mut requests)?.unwrap_or_default()),
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match request {
            Request::Parse(request) => {
                settings.left_out.clone_from(&request.left_out);
                settings.ocr.at_once = request.at_once;
                answer(attached?, request.exact, &settings, &mut allowance, &mut replies)
            }
            Request::Terms(method) => find_terms(&attached?, &method),
            Request::Chunks(sizes) => {
                Ok((Reply::Cut, store::encode(&chunk::chunk(&parsed_document(&attached?)?, sizes))))
            }
            Request::Draw(DrawRequest { page, words, .. }) => {
                let parse::PagePicture { png, size, scale, places } =
                    parse::draw_page(attached?, page, &words, &settings)?;
                Ok((Reply::Drawn { size, scale, places }, png))
            }
        }));
        let outcome = outcome.unwrap_or_else(|panic| Err(broken(&*panic)));
        let (reply, artifact) = match outcome {
            Ok((reply, artifact)) => (reply, Some(artifact)),
            Err(failure) => (Reply::Failed(failure), None),
        };
        write_frame(&mut replies, &serde_json::to_vec(&reply)?)?;
        if let Some(artifact) = artifact {
            write_frame(&mut replies, &artifact)?;
        }
    }
    Ok(())
}

/// The bytes of a document as they come through the pipe, if they are those that were discovered. Whatever becomes of them, all are taken.
fn read_document(from: &mut impl Read, sha: &Fingerprint, length: u64) -> std::io::Result<Result<Vec<u8>, Failure>> {
    let mut bytes = Vec::new();
    let room = usize::try_from(length).ok().and_then(|length| bytes.try_reserve_exact(length).ok());
    let mut document = from.take(length);
    if room.is_none() {
        std::io::copy(&mut document, &mut std::io::sink())?;
        return Ok(Err(too_large()));
    }
    if document.read_to_end(&mut bytes)? as u64 != length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(if Fingerprint::of(&bytes) == *sha { Ok(bytes) } else { Err(changed()) })
}

/// The next frame, or none at the end of the input.
fn read_frame(from: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut frame = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut frame)?;
    Ok(Some(frame))
}

/// The processor time of one document. When it is spent, the system sends SIGXCPU, which ends the process
/// (<https://man7.org/linux/man-pages/man2/getrlimit.2.html>).
struct Allowance {
    /// Processor time of the whole process at which this document's is spent.
    until: Duration,
    page_time: Duration,
    ocr_pages: u32,
}

impl Allowance {
    fn begin(time: Duration, settings: &ParseSettings) -> std::io::Result<Self> {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32);
        let allowance = Self { until: used + time, page_time: settings.ocr.page_time, ocr_pages: 0 };
        allowance.enforce()?;
        Ok(allowance)
    }

    /// Gives more for pages that went to optical character recognition, whose pictures are drawn in this process.
    fn allow_for(&mut self, ocr_pages: u32) -> std::io::Result<()> {
        if ocr_pages == self.ocr_pages {
            return Ok(());
        }
        self.until += self.page_time * (ocr_pages - self.ocr_pages);
        self.ocr_pages = ocr_pages;
        self.enforce()
    }

    fn enforce(&self) -> std::io::Result<()> {
        // Whole seconds are what the system counts, and it ends the process when it has used the last of them.
        let seconds = self.until.as_secs() + 1;
        let maximum = getrlimit(Resource::Cpu).maximum;
        let current = Some(maximum.map_or(seconds, |most| most.min(seconds)));
        Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum })?)
    }
}

/// Finds the terms of a parsed document as the store holds it.
fn find_terms(parsed: &[u8], method: &Method) -> Result<(Reply, Vec<u8>), Failure> {
    let document = parsed_document(parsed)?;
    let extraction = extract::extract_embedded(method, &document);
    let notes = extract::remarks(method, &document, &extraction);
    Ok((Reply::Found { terms: extraction.items.len() as u64, notes }, store::encode(&extraction)))
}

fn parsed_document(stored: &[u8]) -> Result<ParsedDocument, Failure> {
    store::decode(stored).map_err(|words| Failure::new(FailureKind::Internal, format!("the parsed document: {words}")))
}

fn answer(
    bytes: Vec<u8>,
    exact: bool,
    settings: &ParseSettings,
    allowance: &mut Allowance,
    replies: &mut impl Write,
) -> Result<(Reply, Vec<u8>), Failure> {
    let format = parse::sniff(&bytes[..bytes.len().min(4096)]);
    let section = format.map_or(SectionKind::Chapter, Format::sections);
    let mut told: Option<Instant> = None;
    let mut progress = |done, total| {
        let ocr_pages = settings.ocr_count.pages();
        let more_time = ocr_pages != allowance.ocr_pages;
        // Without the limit raised, the document would only end sooner.
        let _ = allowance.allow_for(ocr_pages);
        if more_time || exact || told.is_none_or(|told| told.elapsed() >= PAUSE) {
            told = Some(Instant::now());
            // A run that is gone shows at the next reply.
            let frame = serde_json::to_vec(&Reply::Progress { section, done, total, ocr_pages });
            let _ = frame.map(|frame| write_frame(replies, &frame));
        }
    };
    let mut document = parse::parse(bytes, settings, &mut progress)?;
    let artifact = store::encode(&document);
    Ok((Reply::Parsed { gap: document.gap(), notes: std::mem::take(&mut document.notes) }, artifact))
}
