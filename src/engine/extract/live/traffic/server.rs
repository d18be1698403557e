//! The server that is asked, as far as it tells of itself: known before the first request.

use std::time::Duration;

use super::Traffic;
use crate::remote::{ServerFacts, Trouble, TroubleKind};
use crate::values::{Event, Stop, StopReason, Usage};

/// Estimated tokens from which on an estimate is not twice what is counted.
const LONG_PROMPT: u64 = 500;

/// Tokens by which the ends of two answers in one context may differ.
const SAME_SIZE: u64 = 2;

/// Time between two looks at whether the run is stopped.
const LOOK: Duration = Duration::from_millis(50);

impl Traffic<'_> {
    /// Asks the server what it tells of itself, unless the run is stopped meanwhile, and says what follows from it.
    pub(super) async fn meet_server(&mut self) {
        let facts = {
            let mut asked = std::pin::pin!(self.live.client.server_facts());
            loop {
                tokio::select! {
                    facts = &mut asked => break facts,
                    () = tokio::time::sleep(LOOK) => if self.live.is_halted() {
                        break ServerFacts::default();
                    },
                }
            }
        };
        self.context_size = self.context_size.or(facts.context_size);
        if let Some(message) = told(&facts, self.live.remote.most_in_flight) {
            self.live.run.emit(Event::Notice { message });
        }
        self.server = Some(facts);
    }

    /// Number of requests that may be in flight: those of the limiter, and no more than keep the server's slots busy.
    pub(super) fn window(&self) -> usize {
        let busy = self.server.as_ref().and_then(ServerFacts::most_in_flight);
        self.live.limiter.window().min(busy.unwrap_or(usize::MAX))
    }

    /// Some servers cut a prompt that is too long for them, without a word: what they count shows it.
    pub(super) fn watch_prompts(&mut self, estimate: u64, usage: Option<Usage>) {
        let Some(told) = usage.map(|usage| usage.prompt()).filter(|told| *told > 0) else { return };
        if estimate >= LONG_PROMPT && told * 2 < estimate && !std::mem::replace(&mut self.told_cut_prompt, true) {
            let message = format!(
                "the server counts {told} tokens of a prompt of about {estimate}: it may cut prompts that are too long for it without a word; give it a larger context (num_ctx at Ollama), or lower [chunk] max_tokens and terms_per_request"
            );
            self.live.run.emit(Event::Warning { message });
        }
    }

    /// Takes note of an answer that broke off with so many tokens of prompt and answer, though it had room for more. One may be an
    /// accident; where the next one breaks off at the same size, the context of the server is full there, whatever it told, and
    /// requests are made to fit it from now on.
    pub(super) fn learn_context(&mut self, full: Option<u64>) {
        let Some(size) = full.filter(|size| self.context_size.is_none_or(|known| *size < known)) else { return };
        let is_same = self.last_full.replace(size).is_some_and(|last| last.abs_diff(size) <= SAME_SIZE);
        if !is_same {
            return;
        }
        self.context_size = Some(size);
        let message = format!(
            "answers break off where prompt and answer together have {size} tokens: the server has no larger context, and requests are made to fit it from now on; start it with a larger one (-c at llama.cpp, num_ctx at Ollama)"
        );
        self.live.run.emit(Event::Warning { message });
    }

    /// Stop where the instructions alone are more than the server takes: no request would pass, however small.
    pub(super) fn nothing_fits(&self) -> Option<Stop> {
        let (size, instructions) = (self.context_size?, self.live.run.phrasing.overhead());
        (instructions >= size).then(|| {
            let message = format!(
                "the instructions of the pipeline take about {instructions} tokens, and the server has room for {size} of prompt and answer together: start it with a larger context (-c at llama.cpp, num_ctx at Ollama), or ask with --profile small"
            );
            Stop::new(StopReason::BadRequest, message)
        })
    }

    /// Stop for a trouble, with the models that the server has where it does not know the one that was asked for.
    pub(super) fn stop_with_models(&self, trouble: &Trouble, stop: Stop) -> Stop {
        let models = self.server.as_ref().and_then(ServerFacts::models_in_words);
        match models.filter(|_| trouble.kind == TroubleKind::NotFound) {
            Some(models) => Stop::new(stop.reason, format!("{}; the server has {models}", stop.message)),
            None => stop,
        }
    }
}

/// Notice of what a server with slots is asked at most.
fn told(facts: &ServerFacts, most: usize) -> Option<String> {
    let (slots, busy) = (facts.slots?, facts.most_in_flight()?);
    let size = facts.context_size.map_or_else(String::new, |size| format!(", of {size} tokens each"));
    Some(format!("the server answers {slots} at once{size}; in flight are at most {}", busy.min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_told_with_what_follows_and_nothing_is_told_without() {
        let mut facts = ServerFacts { slots: Some(2), context_size: Some(4096), ..ServerFacts::default() };
        let words = "the server answers 2 at once, of 4096 tokens each; in flight are at most 4";
        assert_eq!(told(&facts, 64).as_deref(), Some(words));
        assert!(told(&facts, 1).unwrap().ends_with("at most 1"));
        facts.slots = None;
        assert_eq!(told(&facts, 64), None);
    }
}
