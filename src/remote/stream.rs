//! Streamed answers: server-sent events, put together to what the vendor would have answered in one piece, so that everything after
//! this knows one form only. What came before a cut is kept, and an answer that goes round in a circle is ended.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use serde_json::Value;

use super::trouble::{Trouble, TroubleKind};
use super::vendors::{Vendor, lenient_json, told_status, told_trouble};

/// An item that a model says so many times in a row is said for ever.
const ROUNDS: usize = 3;

/// An event of a stream, as a vendor means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Words of the answer.
    Text(String),
    /// Something else.
    Other,
    /// The end.
    End,
}

/// State of a stream after a piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More may come.
    Open,
    /// It is whole.
    Whole,
    /// It says the same item again and again.
    Circle,
}

/// A stream as far as it has come.
#[derive(Debug)]
pub(super) struct Stream {
    vendor: &'static dyn Vendor,
    /// Bytes of a line that has not ended.
    line: Vec<u8>,
    /// Lines of data of an event that has not ended.
    data: String,
    whole: Value,
    text: String,
    bytes: usize,
}

impl Stream {
    pub(super) fn new(vendor: &'static dyn Vendor) -> Self {
        Self { vendor, line: Vec::new(), data: String::new(), whole: Value::Null, text: String::new(), bytes: 0 }
    }

    /// Bytes that came.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of words of the answer that came.
    pub(super) fn word_bytes(&self) -> usize {
        self.text.len()
    }

    /// True if words of the answer came.
    pub(super) fn has_words(&self) -> bool {
        !self.text.trim().is_empty()
    }

    /// Takes a piece of the body.
    ///
    /// # Errors
    /// Trouble that the provider tells within the stream.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Progress, Trouble> {
        self.bytes += piece.len();
        let mut progress = Progress::Open;
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let Some(end) = part.strip_suffix(b"\n") else {
                self.line.extend_from_slice(part);
                break;
            };
            self.line.extend_from_slice(end);
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line));
            if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
                self.data.push('\n');
            } else if line.is_empty() && !self.data.is_empty() {
                progress = self.event()?;
                if progress != Progress::Open {
                    return Ok(progress);
                }
            }
        }
        Ok(progress)
    }

    fn event(&mut self) -> Result<Progress, Trouble> {
        let data = std::mem::take(&mut self.data);
        if data.trim() == "[DONE]" {
            return Ok(Progress::Whole);
        }
        let Ok(event) = lenient_json(data.as_bytes()) else {
            return Err(Trouble::new(TroubleKind::Malformed, "an event of the stream is not JSON"));
        };
        if event.get("error").is_some_and(|error| !error.is_null()) {
            return Err(told_trouble(self.vendor, told_status(&event).unwrap_or(500), &event));
        }
        Ok(match self.vendor.add(&mut self.whole, &event) {
            Added::Text(text) => {
                self.text.push_str(&text);
                if text.contains('}') && is_circle(&self.text) { Progress::Circle } else { Progress::Open }
            }
            Added::Other => Progress::Open,
            Added::End => Progress::Whole,
        })
    }

    /// The response, whole. Where the stream did not say why it ended, it has broken off at the output budget: the items that are
    /// whole are of use.
    pub(super) fn into_body(mut self) -> Vec<u8> {
        if self.whole.is_object() {
            self.vendor.break_off(&mut self.whole);
        }
        serde_json::to_vec(&self.whole).expect("a JSON value has string keys")
    }
}

/// True if a text ends with the same object, [`ROUNDS`] times.
fn is_circle(text: &str) -> bool {
    let mut ends = text.rmatch_indices('}').map(|(at, _)| at + 1);
    let Some(last) = ends.next() else { return false };
    // An object may hold others: each length at which the text repeats itself is tried, short ones first.
    ends.take(64).any(|end| {
        let length = last - end;
        let Some(start) = last.checked_sub(length * ROUNDS) else { return false };
        let bytes = &text.as_bytes()[start..last];
        let (first, rest) = bytes.split_at(length);
        // `},{` again and again is punctuation, not an item.
        length > 8 && first.contains(&b':') && rest.chunks(length).all(|round| round == first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{ANTHROPIC, Content, Finish, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES};
    use serde_json::json;

    /// Events of an answer in the two pieces `{"a":` and `1}`, as each vendor's documentation shows them.
    fn streams() -> [(&'static dyn Vendor, Vec<Value>); 4] {
        [
            (
                OPENAI_CHAT,
                vec![
                    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}),
                    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "{\"a\":"}, "finish_reason": null}]}),
                    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "1}"}, "finish_reason": null}]}),
                    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
                    json!({"id": "c", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}),
                ],
            ),
            (
                OPENAI_RESPONSES,
                vec![
                    json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}),
                    json!({"type": "response.output_text.delta", "delta": "{\"a\":"}),
                    json!({"type": "response.output_text.delta", "delta": "1}"}),
                    json!({"type": "response.completed", "response": {"id": "r", "model": "m", "status": "completed",
                        "output": [{"type": "message", "content": [{"type": "output_text", "text": "{\"a\":1}"}]}],
                        "usage": {"input_tokens": 7, "output_tokens": 3}}}),
                ],
            ),
            (
                ANTHROPIC,
                vec![
                    json!({"type": "message_start", "message": {"id": "m", "type": "message", "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 7, "output_tokens": 1}}}),
                    json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                    json!({"type": "ping"}),
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "{\"a\":"}}),
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "1}"}}),
                    json!({"type": "content_block_stop", "index": 0}),
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
                    json!({"type": "message_stop"}),
                ],
            ),
            (
                GEMINI,
                vec![
                    json!({"candidates": [{"content": {"parts": [{"text": "{\"a\":"}], "role": "model"}}], "modelVersion": "m", "usageMetadata": {"promptTokenCount": 7}}),
                    json!({"candidates": [{"content": {"parts": [{"text": "1}"}], "role": "model"}, "finishReason": "STOP"}], "modelVersion": "m", "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}}),
                ],
            ),
        ]
    }

    fn sent(events: &[Value]) -> Vec<u8> {
        events
            .iter()
            .flat_map(|event| format!("event: x\r\n: a remark\r\ndata: {event}\r\n\r\n").into_bytes())
            .collect()
    }

    #[test]
    fn a_stream_in_any_pieces_is_the_answer_in_one() {
        for (vendor, events) in streams() {
            let bytes = sent(&events);
            for size in [1, 7, 64, bytes.len()] {
                let mut stream = Stream::new(vendor);
                for piece in bytes.chunks(size) {
                    stream.take(piece).unwrap();
                }
                let value: Value = serde_json::from_slice(&stream.into_body()).unwrap();
                let reply = vendor.reply(&value).unwrap();
                assert_eq!(reply.content, Some(Content::Text("{\"a\":1}".into())), "{}", vendor.name());
                assert_eq!((reply.finish, reply.model.as_deref()), (Finish::Complete, Some("m")), "{}", vendor.name());
                let usage = reply.usage.unwrap();
                assert_eq!((usage.prompt(), usage.output), (7, 3), "{}", vendor.name());
            }
        }
    }

    #[test]
    fn what_came_before_a_cut_is_kept_as_an_answer_that_broke_off() {
        for (vendor, events) in streams() {
            let until = events.iter().position(|e| e.to_string().contains("a\\\":")).unwrap();
            let mut stream = Stream::new(vendor);
            assert_eq!(stream.take(&sent(&events[..=until])), Ok(Progress::Open));
            assert!(stream.has_words());
            let value: Value = serde_json::from_slice(&stream.into_body()).unwrap();
            let reply = vendor.reply(&value).unwrap();
            assert_eq!(reply.content, Some(Content::Text("{\"a\":".into())), "{}", vendor.name());
            assert_eq!(reply.finish, Finish::Truncated, "{}", vendor.name());
        }
    }

    #[test]
    fn an_error_within_a_stream_is_the_providers_word() {
        let mut stream = Stream::new(ANTHROPIC);
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        assert_eq!(stream.take(&sent(&[error])).unwrap_err().kind, TroubleKind::Overloaded);
    }

    #[test]
    fn the_same_item_three_times_is_a_circle_and_similar_ones_are_not() {
        let item =
            |n: u32| format!("{{\"term\": \"Debt\", \"definition\": \"what is owed {n}\", \"x\": {{\"y\": 1}}}}");
        let list = |numbers: &[u32]| {
            format!("{{\"items\": [{}", numbers.iter().map(|n| item(*n)).collect::<Vec<_>>().join(", "))
        };
        assert!(is_circle(&list(&[1, 2, 3, 3, 3, 3])));
        assert!(!is_circle(&list(&[1, 2, 3, 3])) && !is_circle(&list(&[1, 2, 3, 4, 5, 6])));
        assert!(!is_circle("{\"a\": [{}, {}, {}, {}, {}, {}"));
    }
}
