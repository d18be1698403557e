//! The worker's side: one document after another, within limits that the system enforces.

use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::frame::{Orders, ParseRequest, Reply, Request, write_frame};
use crate::engine::parse_here::{STACK, broken, read_unchanged};
use crate::stages::extract;
use crate::stages::extract::local::TermSettings;
use crate::stages::parse::{self, ParseSettings};
use crate::stages::pipeline::Method;
use crate::store;
use crate::values::{Failure, FailureKind, Format, ParsedDocument, SectionKind};

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
    let worker = std::thread::Builder::new().name("parse".into()).stack_size(STACK).spawn(serve_requests)?;
    worker.join().unwrap_or_else(|_| Err(std::io::Error::other("the parse thread panicked")))
}

fn serve_requests() -> std::io::Result<()> {
    let mut requests = std::io::stdin().lock();
    let mut replies = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let Some(orders) = read_frame(&mut requests)? else { return Ok(()) };
    let orders: Orders = serde_json::from_slice(&orders)?;
    let time = orders.time;
    let mut settings = orders.settings();
    write_frame(&mut replies, &serde_json::to_vec(&Reply::Ready)?)?;
    while let Some(request) = read_frame(&mut requests)? {
        let request: Request = serde_json::from_slice(&request)?;
        settings.ocr_count = parse::OcrCount::default();
        let mut allowance = Allowance::begin(time, &settings)?;
        let parsed = match &request {
            Request::Parse(_) => Vec::new(),
            Request::Terms(_) => read_frame(&mut requests)?.unwrap_or_default(),
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match request {
            Request::Parse(request) => {
                settings.left_out.clone_from(&request.left_out);
                answer(&request, &settings, &mut allowance, &mut replies)
            }
            Request::Terms(rules) => find_terms(&parsed, rules),
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
fn find_terms(parsed: &[u8], rules: TermSettings) -> Result<(Reply, Vec<u8>), Failure> {
    let document: ParsedDocument = store::decode(parsed)
        .map_err(|words| Failure::new(FailureKind::Internal, format!("the parsed document: {words}")))?;
    let method = Method::Terms(rules);
    let extraction = extract::extract_embedded(&method, &document);
    let notes = extract::remarks(&method, &document, &extraction);
    Ok((Reply::Found { terms: extraction.items.len() as u64, notes }, store::encode(&extraction)))
}

fn answer(
    request: &ParseRequest,
    settings: &ParseSettings,
    allowance: &mut Allowance,
    replies: &mut impl Write,
) -> Result<(Reply, Vec<u8>), Failure> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = read_unchanged(Path::new(std::ffi::OsStr::from_bytes(&request.file)), &request.sha)?;
    let format = parse::sniff(&bytes[..bytes.len().min(4096)]);
    let section = format.map_or(SectionKind::Chapter, Format::sections);
    let mut told: Option<Instant> = None;
    let mut progress = |done, total| {
        let ocr_pages = settings.ocr_count.pages();
        let more_time = ocr_pages != allowance.ocr_pages;
        // Without the limit raised, the document would only end sooner.
        let _ = allowance.allow_for(ocr_pages);
        if more_time || request.exact || told.is_none_or(|told| told.elapsed() >= PAUSE) {
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
