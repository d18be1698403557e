//! Numbers, times and standings as people say them.

use super::fitted::shortened;
use crate::values::{Asked, Cost, Event, ModelChange, SectionKind, Shown};

/// Characters of a file's name beside a bar.
const NAME: usize = 24;

/// Count of what a provider was asked, in a line.
pub(super) fn asked(asked: &Asked) -> String {
    let cost = match asked.picodollars {
        Some(pico) => Cost(pico).to_string(),
        None => "price unknown".to_owned(),
    };
    format!(
        "{}, {} in, {} out, {cost}",
        counted(asked.answers, "answer", "answers"),
        counted(asked.input_tokens, "token", "tokens"),
        grouped(asked.output_tokens)
    )
}

/// How far the asking of a provider has come, in a line: what matters most stands first, because a narrow screen cuts the end off.
pub(super) fn asking(event: &Event) -> Option<String> {
    let Event::Asking {
        in_flight,
        units_left,
        units_done,
        millis_left,
        tokens_a_second,
        tokens_coming,
        picodollars_at_end,
        asked,
    } = event
    else {
        return None;
    };
    let all = units_done + units_left;
    let mut parts = Vec::new();
    if let Some(through) = (units_done * 100).checked_div(all) {
        parts.push(format!("{through} % of {}", counted(all, "unit", "units")));
    }
    parts.extend(millis_left.filter(|_| *units_left > 0).map(|left| format!("about {} left", duration(left))));
    // Without a price, as of one's own server, there is nothing to tell each time.
    parts.extend(asked.picodollars.map(|spent| match picodollars_at_end {
        Some(end) if *end > spent => format!("{} of about {}", Cost(spent), Cost(*end)),
        _ => Cost(spent).to_string(),
    }));
    if *tokens_a_second > 0 {
        parts.push(format!("{} tokens/s", grouped(*tokens_a_second)));
    }
    parts.push(counted(asked.answers, "answer", "answers"));
    if *in_flight > 0 {
        // What a slow model is at: the prompt, or the answer.
        let coming = match (tokens_coming, asked.answers) {
            (0, 0) => " (no word of them yet)".to_owned(),
            (0, _) => String::new(),
            (&coming, _) => format!(" ({} of them here)", counted(coming, "token", "tokens")),
        };
        parts.push(format!("{in_flight} in flight{coming}"));
    }
    Some(parts.join(", "))
}

/// The model that answers since a moment, in a line.
pub(in crate::cli) fn model_change(change: &ModelChange) -> String {
    let at = jiff::Timestamp::from_millisecond(change.at_ms).unwrap_or_default();
    format!(
        "from {} on {} answered instead of {} ({})",
        at.strftime("%Y-%m-%d %H:%M UTC"),
        Shown(&change.since),
        Shown(&change.before),
        counted(change.answers, "answer", "answers")
    )
}

/// Work at the provider's batch endpoint, before what has come of it.
pub(super) fn batching(batches: u64, requests: u64, done: Option<u64>) -> String {
    let all = counted(requests, "request", "requests");
    match (batches, done) {
        (0, _) => String::new(),
        (n, Some(done)) => {
            format!("{}, {} of {all} done; ", counted(n, "provider batch", "provider batches"), grouped(done))
        }
        (n, None) => format!("{} with {all}; ", counted(n, "provider batch", "provider batches")),
    }
}

/// A number with the word for what it counts.
pub(in crate::cli) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Place of a stage in a long document: `refman.pdf page 1,200 of 5,000`.
pub(super) fn position(event: &Event) -> Option<String> {
    let Event::DocumentProgress { path, section, done, total, .. } = event else { return None };
    let section = match section {
        SectionKind::Page => "page",
        SectionKind::Chapter => "chapter",
    };
    let name = shortened(path.as_str().rsplit('/').next().unwrap_or_default(), NAME);
    Some(format!("{} {section} {} of {}", Shown(&name), grouped((*done).into()), grouped((*total).into())))
}

/// `1234567` as `1,234,567`.
pub(in crate::cli) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as people say them: 1,234,567 are 1.2 MB.
pub(in crate::cli) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => counted(bytes, "byte", "bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

/// Milliseconds as people say them.
pub(in crate::cli) fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(batching(1, 1, None), "1 provider batch with 1 request; ");
        assert_eq!(batching(2, 5_000, Some(1_200)), "2 provider batches, 1,200 of 5,000 requests done; ");
        assert_eq!(batching(0, 0, Some(0)), "");
        assert_eq!([7, 7_800, 1_234_567].map(size), ["7 bytes", "7 kB", "1.2 MB"]);
        assert_eq!([7, 1_250, 184_000, 7_260_000].map(duration), ["7 ms", "1.2 s", "3 min 4 s", "2 h 1 min"]);
    }

    #[test]
    fn the_asking_tells_how_far_it_is_how_long_and_what_it_will_cost() {
        let asked = Asked { answers: 28, picodollars: Some(32_300_000_000), ..Asked::default() };
        let event = Event::Asking {
            in_flight: 8,
            units_left: 180,
            units_done: 120,
            millis_left: Some(184_000),
            tokens_a_second: 1_200,
            tokens_coming: 0,
            picodollars_at_end: Some(80_000_000_000),
            asked,
        };
        let told = "40 % of 300 units, about 3 min 4 s left, $0.0323 of about $0.0800, 1,200 tokens/s, 28 answers, 8 in flight";
        assert_eq!(asking(&event).unwrap(), told);
        let slow = |tokens_coming| Event::Asking {
            in_flight: 2,
            units_left: 129,
            units_done: 0,
            millis_left: None,
            tokens_a_second: 0,
            tokens_coming,
            picodollars_at_end: None,
            asked: Asked::default(),
        };
        assert_eq!(asking(&slow(0)).unwrap(), "0 % of 129 units, 0 answers, 2 in flight (no word of them yet)");
        assert_eq!(asking(&slow(310)).unwrap(), "0 % of 129 units, 0 answers, 2 in flight (310 tokens of them here)");
    }
}
