//! Packs what has no answer into payloads on the disk, up to what the provider takes in one batch.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::driver::Driver;
use crate::engine::attempts::attempts;
use crate::engine::checkpoint::{About, submit};
use crate::engine::error::RunError;
use crate::engine::extract::admission::{Admission, admission};
use crate::engine::extract::contents::contents;
use crate::engine::extract::request::{Ask, TOGETHER, prompt, takes};
use crate::engine::feed::feed_documents;
use crate::remote::Tariff;
use crate::stages::extract::Unit;
use crate::store::{
    BatchId, BatchRequest, BatchRow, BatchState, Change, Checkpoint, DiskFile, DistinctCounter, DocId, STORE_FOLDER,
    StoreError,
};
use crate::values::{Cost, Extraction, Fingerprint, Stage};

/// Requests handed to the writer at a time.
const GROUP: usize = 128;

/// Result of one planning.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) requests: u64,
    /// True if the cap on cost kept something out.
    pub(super) capped: bool,
}

/// A payload that is being written.
struct Payload {
    id: BatchId,
    token: String,
    file: BufWriter<Box<dyn DiskFile>>,
    place: PathBuf,
    sha: Sha256,
    row: BatchRow,
    waiting: Vec<Change>,
}

/// Place of a payload until it is collected. A token that no run gives, which a store may hold that is not of our making, leads nowhere.
pub(super) fn payload_place(output: &std::path::Path, token: &str) -> PathBuf {
    let is_ours = !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric());
    let name = if is_ours { token.to_owned() } else { Fingerprint::of(token.as_bytes()).hex() };
    output.join(STORE_FOLDER).join("batches").join(name)
}

/// Plans batches for every unit of a pending document that has neither answer nor failure and is in no batch.
pub(super) fn pack(driver: &Driver<'_>) -> Result<Packed, RunError> {
    let run = driver.run;
    let mut packer = Packer {
        driver,
        payload: None,
        packed: Packed::default(),
        next: driver.reader.next_batch()?,
        room: driver.room()?,
        reserved: Cost(0),
    };
    let size = run.pipeline.units_per_request();
    let mut distinct = DistinctCounter::new()?;
    let (mut pack, mut first, mut most_spent): (Vec<Unit>, _, _) = (Vec::new(), DocId(0), 0);
    let mut broken = None;
    feed_documents(run, Stage::Extract, &mut |job| {
        let mut one = || -> Result<(), RunError> {
            let (doc, generation) = (job.pending.doc, job.pending.generation);
            let about = About::of(Stage::Extract, &job);
            let started = std::time::Instant::now();
            let (outcome, tries) = attempts(|| contents(run, &driver.reader, &job), |f| about.retried(run, f))?;
            let contents = match outcome {
                Ok(contents) => contents,
                Err(failure) => return submit::<Extraction>(run, &job, Err(failure), tries, started),
            };
            let reader = &driver.reader;
            let mut open = Vec::new();
            for (number, unit) in contents.units.iter().enumerate() {
                let is_open =
                    distinct.add(&unit.key)? && admission(run, reader, &unit.key, generation)? == Admission::Open;
                if is_open {
                    open.push(number);
                }
            }
            let (units, context) = contents.in_context(driver.remote.context, &run.phrasing, &open, size);
            run.contexts.count(context);
            for unit in units {
                let (spent, raised) = reader.unit_attempts(run.question, &unit.key)?;
                if size == 1 || spent >= TOGETHER {
                    packer.add(vec![unit], doc, spent, raised)?;
                    continue;
                }
                if !takes(&pack, &unit) {
                    packer.add(std::mem::take(&mut pack), first, most_spent, false)?;
                }
                if pack.is_empty() {
                    (first, most_spent) = (doc, 0);
                }
                most_spent = most_spent.max(spent);
                pack.push(unit);
                if pack.len() >= size {
                    packer.add(std::mem::take(&mut pack), first, most_spent, false)?;
                }
            }
            Ok(())
        };
        match one() {
            Ok(()) => !run.is_stopping() && !packer.packed.capped,
            Err(error) => {
                broken = Some(error);
                false
            }
        }
    })?;
    if let Some(error) = broken {
        return Err(error);
    }
    if !pack.is_empty() {
        packer.add(pack, first, most_spent, false)?;
    }
    packer.close()?;
    run.writer.flush()?;
    Ok(packer.packed)
}

struct Packer<'a> {
    driver: &'a Driver<'a>,
    payload: Option<Payload>,
    packed: Packed,
    next: BatchId,
    /// Sum that may still be reserved, if there is a cap.
    room: Option<Cost>,
    reserved: Cost,
}

impl Packer<'_> {
    fn add(&mut self, units: Vec<Unit>, doc: DocId, spent: u32, raised: bool) -> Result<(), RunError> {
        let driver = self.driver;
        let run = driver.run;
        let mut ask = Ask::new(&run.phrasing, units, doc);
        ask.attempts = spent;
        if raised {
            ask.max_output = ask.max_output.saturating_mul(2);
        }
        let ask = ask.with_thought_room(run.thoughts.tokens());
        let most = ask.most(1.0);
        let cost = driver.remote.price.as_ref().map(|p| p.cost(&most, Tariff::Batch));
        if let (Some(room), Some(cost)) = (self.room, cost)
            && self.reserved + cost > room
        {
            self.packed.capped = true;
            return Ok(());
        }
        let limits = driver.options.limits;
        let frame = driver.remote.dialect.vendor.payload_frame();
        let prompt = prompt(&run.phrasing, &ask);
        if self.payload.is_none() {
            self.payload = Some(self.begin()?);
        }
        let line_of = |payload: &Payload| {
            let custom_id = format!("{}-{}", payload.token, payload.row.requests);
            driver.remote.dialect.batch_line(&custom_id, &prompt, driver.client.structured())
        };
        let mut payload = self.payload.take().expect("just begun");
        let mut line = line_of(&payload);
        let full = payload.row.requests >= limits.requests
            || payload.row.bytes + (line.len() + frame[1].len() + frame[2].len()) as u64 > limits.bytes
            || driver.options.most_tokens.is_some_and(|most| payload.row.input + ask.input_estimate > most);
        if full && payload.row.requests > 0 {
            self.finish(payload)?;
            payload = self.begin()?;
            line = line_of(&payload);
        }
        if payload.row.requests > 0 {
            payload.write(frame[1])?;
        }
        payload.write(&line)?;
        let request = BatchRequest {
            batch: payload.id,
            seq: payload.row.requests.cast_signed(),
            doc,
            attempts: spent,
            max_output: ask.max_output,
            input: ask.input_estimate,
            units: ask.units.iter().map(|u| u.key).collect(),
        };
        payload.row.requests += 1;
        payload.row.input += ask.input_estimate;
        payload.row.reserved = payload.row.reserved.zip(cost).map(|(all, one)| all + one);
        payload.waiting.push(Change::BatchRequest(run.question, Box::new(request)));
        if payload.waiting.len() >= GROUP {
            run.writer.submit(Checkpoint::new(std::mem::take(&mut payload.waiting), Vec::new()))?;
        }
        self.reserved = self.reserved + cost.unwrap_or_default();
        self.packed.requests += 1;
        self.payload = Some(payload);
        Ok(())
    }

    fn begin(&mut self) -> Result<Payload, RunError> {
        let run = self.driver.run;
        let id = self.next;
        self.next = id.next();
        let random = fastrand::u128(..);
        let named = format!("{} {} {random}", id.0, (run.now_ms)());
        let token = format!("c{}", &Fingerprint::of(named.as_bytes()).hex()[..16]);
        let place = payload_place(&run.places.output, &token);
        let folder = place.parent().expect("a payload has a folder");
        let io = |source| RunError::Io { action: "write the batch payload", file: place.clone(), source };
        let disk = run.store.disk();
        disk.create_folder(folder).map_err(io)?;
        let file = disk.create(&place).map_err(io)?;
        let row = BatchRow {
            id,
            question: run.question,
            generation: run.generation,
            model: self.driver.remote.dialect.model.clone(),
            token: token.clone(),
            sha: Fingerprint([0; 32]),
            requests: 0,
            bytes: 0,
            input: 0,
            reserved: self.driver.remote.price.as_ref().map(|_| Cost(0)),
            state: BatchState::Planned,
            upload: None,
            remote: None,
            status: None,
            succeeded: 0,
            failed: 0,
            owed: 0,
            told: None,
            message: None,
            intent_ms: None,
            submitted_ms: None,
            expires_ms: None,
        };
        let mut payload = Payload {
            id,
            token,
            file: BufWriter::with_capacity(1 << 18, file),
            place,
            sha: Sha256::new(),
            row,
            waiting: Vec::new(),
        };
        payload.write(self.driver.remote.dialect.vendor.payload_frame()[0])?;
        Ok(payload)
    }

    /// The payload is synced before its row says that it is there.
    fn finish(&mut self, mut payload: Payload) -> Result<(), RunError> {
        let run = self.driver.run;
        payload.write(self.driver.remote.dialect.vendor.payload_frame()[2])?;
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::StorageFull => RunError::Store(StoreError::Full { file: payload.place.clone() }),
            _ => RunError::Io { action: "write the batch payload", file: payload.place.clone(), source },
        };
        payload.file.flush().map_err(io)?;
        payload.file.get_mut().sync().map_err(io)?;
        if let Some(folder) = payload.place.parent() {
            run.store.disk().sync_folder(folder).map_err(io)?;
        }
        payload.row.sha = Fingerprint(payload.sha.finalize().into());
        let mut changes = payload.waiting;
        changes.push(Change::BatchPlanned(Box::new(payload.row)));
        Ok(run.writer.submit(Checkpoint::new(changes, Vec::new()))?)
    }

    fn close(&mut self) -> Result<(), RunError> {
        match self.payload.take() {
            Some(payload) => self.finish(payload),
            None => Ok(()),
        }
    }
}

impl Payload {
    fn write(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        self.sha.update(bytes);
        self.row.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| match source.kind() {
            std::io::ErrorKind::StorageFull => RunError::Store(StoreError::Full { file: self.place.clone() }),
            _ => RunError::Io { action: "write the batch payload", file: self.place.clone(), source },
        })
    }
}
