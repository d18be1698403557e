//! A plan of `extract`: what would be asked, and what that comes to.

use std::sync::Arc;

use serde::Serialize;

use super::contents::Contents;
use super::request::told_in_requests;
use super::way::{Facts, way};
use crate::engine::config::Rerun;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::provider::{EndpointKind, Remote};
use crate::remote::{ServiceTier, Tariff};
use crate::stages::extract::{self, Context, Head, Unit};
use crate::stages::pipeline::Method;
use crate::store::{DistinctCounter, DocId, Generation, Reader};
use crate::values::{Chunk, Fingerprint, ParsedDocument, Stage, Usage};

/// Questions that `extract` would ask.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtractPlan {
    /// Provider name.
    pub provider: String,
    /// Documents to do.
    pub documents: u64,
    /// Chunks of these documents.
    pub chunks: u64,
    /// Distinct units among them: the same text anywhere in the corpus counts once.
    pub units: u64,
    /// Units whose answer the store has.
    pub answered: u64,
    /// Requests to the provider; 0 for `local`, which answers within the program.
    pub requests: u64,
    /// Estimated tokens of what is told of the units without an answer.
    pub estimated_tokens: u64,
    /// Documents whose terms would be asked about with a sentence for each.
    pub with_sentences: u64,
    /// Documents whose terms would be asked about with the chunks in which they stand.
    pub with_chunks: u64,
    /// Requests to a remote provider, and their cost.
    pub remote: Option<RemotePlan>,
}

/// An estimate of what the requests of a run come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemotePlan {
    /// The model.
    pub model: String,
    /// Prompt tokens, instructions and schema included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Dollars; null if the model's price is not known.
    pub dollars: Option<f64>,
    /// Dollars at the price of the provider's batch endpoint.
    pub batch_dollars: Option<f64>,
    /// Dollars at the flex tier; null if the model is not sold at one for less.
    pub flex_dollars: Option<f64>,
    /// Way in which it would be asked, in words, where the run chooses that itself.
    pub way: Option<String>,
    /// Source of the price, and its day.
    pub price_source: Option<String>,
    /// Seconds under the given limits, if any were given.
    pub seconds: Option<f64>,
    /// Basis of the estimate.
    pub basis: String,
}

/// The plan of `extract` after the stages before it are done; a rerun asks about everything again.
pub(in crate::engine) fn extract_plan(run: &Run<'_>, rerun: Option<&Rerun>) -> Result<ExtractPlan, RunError> {
    let reader = run.store.reader()?;
    let mut plan = ExtractPlan {
        provider: run.pipeline.provider.name.clone(),
        documents: 0,
        chunks: 0,
        units: 0,
        answered: 0,
        requests: 0,
        estimated_tokens: 0,
        with_sentences: 0,
        with_chunks: 0,
        remote: None,
    };
    let mut guessed_output = 0;
    let size = run.pipeline.units_per_request();
    let again = rerun.is_some_and(|r| r.stage <= Stage::Extract);
    let mut distinct = DistinctCounter::new()?;
    let mut after = DocId(0);
    loop {
        // A rerun takes the documents that are chunked, whether extracted or not.
        let page = if again {
            reader.through(run.fps[Stage::Chunk], run.scope, after, 64)?
        } else {
            reader.pending(&run.fps, Stage::Extract, run.scope, after, 64)?
        };
        let Some(last) = page.last() else { break };
        after = last.doc;
        for pending in page {
            let chunks = Arc::new(reader.artifact::<Vec<Chunk>>(&run.fps, pending.doc)?);
            let document = Arc::new(reader.artifact::<ParsedDocument>(&run.fps, pending.doc)?);
            plan.documents += 1;
            plan.chunks += chunks.len() as u64;
            let accepted = if again { Generation(i64::MAX) } else { pending.generation };
            let mut is_open = |plan: &mut ExtractPlan, unit: &Fingerprint| -> Result<bool, RunError> {
                if !distinct.add(unit)? {
                    return Ok(false);
                }
                plan.units += 1;
                let answered = reader.is_answered(run.question, unit, accepted)?;
                plan.answered += u64::from(answered);
                Ok(!answered)
            };
            // The embedded provider finds terms without asking; its units are the chunks that it reads.
            if let (Method::Terms(_), Some(remote)) = (&run.pipeline.method, run.remote) {
                let contents = Contents::of(&run.pipeline.method, document, chunks, None);
                let mut open = Vec::new();
                for (number, unit) in contents.units.iter().enumerate() {
                    if is_open(&mut plan, &unit.key)? {
                        open.push(number);
                    }
                }
                let (units, context) = contents.in_context(remote.context, &run.phrasing, &open, size);
                plan.with_sentences += u64::from(context == Some(Context::Candidates));
                plan.with_chunks += u64::from(context == Some(Context::Chunks));
                plan.estimated_tokens += told_in_requests(&run.phrasing, &units, size);
                guessed_output += units.len() as u64 * run.phrasing.guessed_term_output();
                continue;
            }
            for chunk in chunks.iter() {
                let text = chunk.span.of(&document.text);
                if is_open(&mut plan, &extract::unit_key(text))? {
                    if run.remote.is_none() {
                        plan.estimated_tokens += u64::from(chunk.tokens);
                        continue;
                    }
                    let unit = Unit { text: text.into(), book: Head::of(&document, Some(chunk)), ..Unit::default() };
                    plan.estimated_tokens += told_in_requests(&run.phrasing, &[unit], 1);
                    guessed_output += extract::guessed_output(text);
                }
            }
        }
    }
    if let Some(remote) = run.remote {
        plan.requests = (plan.units - plan.answered).div_ceil(size as u64);
        plan.remote = Some(remote_plan(run, remote, &reader, &plan, guessed_output)?);
    }
    Ok(plan)
}

/// Facts of what is left to be asked, for the choice of a way.
pub(in crate::engine) fn facts(run: &Run<'_>, remote: &Remote) -> Result<Facts, RunError> {
    let plan = extract_plan(run, None)?;
    let seconds = plan.remote.as_ref().and_then(|remote| remote.seconds);
    Ok(Facts::new(remote, plan.requests, seconds))
}

/// Answers from which on what they came to says what further ones come to; one is better than a guess.
const ENOUGH_ANSWERS: u64 = 20;

fn remote_plan(
    run: &Run<'_>,
    remote: &Remote,
    reader: &Reader,
    plan: &ExtractPlan,
    guessed_output: u64,
) -> Result<RemotePlan, RunError> {
    let estimated = plan.estimated_tokens + plan.requests * run.phrasing.overhead();
    let told = reader.told(run.question)?.filter(|t| t.sums.count > 0 && t.estimated > 0);
    let (usage, basis) = match told {
        Some(told) => {
            // What was told of earlier answers, by token of their estimates and by answer.
            let by_token = estimated as f64 / told.estimated as f64;
            let by_answer = plan.requests as f64 / told.sums.count as f64;
            let of = |tokens: u64, factor: f64| (tokens as f64 * factor).round() as u64;
            let u = told.sums.usage;
            let usage = Usage {
                input: of(u.input, by_token),
                cache_read: of(u.cache_read, by_token),
                cache_write_5m: of(u.cache_write_5m, by_token),
                cache_write_1h: of(u.cache_write_1h, by_token),
                output: of(u.output, by_answer),
            };
            let few =
                if told.sums.count < ENOUGH_ANSWERS { ", few as they are; a run with --limit gives more" } else { "" };
            (usage, format!("the tokens of earlier answers in this folder: {}{few}", told.sums.count))
        }
        None => {
            let usage = Usage { input: estimated, output: guessed_output, ..Usage::default() };
            let basis = "a guess of the output, because no answer to this question is in the folder; a run with --limit makes it a measurement";
            (usage, basis.to_owned())
        }
    };
    let price = remote.price.as_ref();
    let dollars = |tariff| price.map(|p| p.cost_of_many(&usage, plan.requests, tariff).dollars());
    let rates = remote.rates;
    let minutes = [
        (plan.requests, rates.requests),
        (usage.prompt(), rates.input),
        (usage.output, rates.output),
        (usage.prompt() + usage.output, rates.tokens),
    ];
    let limited = minutes.into_iter().filter_map(|(n, rate)| Some(n as f64 / rate? as f64)).max_by(f64::total_cmp);
    let seconds = limited.map(|m| (m * 60.0).ceil());
    let facts = Facts::new(remote, plan.requests, seconds);
    let way = match remote.endpoint_kind {
        EndpointKind::Auto { aim, .. } => Some(way(aim, &facts).words(plan.requests)),
        EndpointKind::Live | EndpointKind::Batch => None,
    };
    Ok(RemotePlan {
        model: remote.dialect.model.clone(),
        input_tokens: usage.prompt(),
        output_tokens: usage.output,
        dollars: dollars(Tariff::Live(ServiceTier::Standard)),
        batch_dollars: dollars(Tariff::Batch),
        flex_dollars: dollars(Tariff::Live(ServiceTier::Flex)).filter(|_| facts.has_flex),
        way,
        price_source: remote.price.as_ref().map(|p| match p.as_of {
            Some(day) => format!("{}, {day}", p.source),
            None => p.source.clone(),
        }),
        seconds,
        basis,
    })
}
