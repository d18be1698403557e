//! Settings that follow from what was measured. Pure.

use crate::remote::Structured;
use crate::stages::pipeline::Profile;
use crate::values::Choice;

/// Pace of a server with some requests in flight at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    pub(super) in_flight: usize,
    /// Output tokens in a second, or answers where tokens are not told.
    pub(super) per_second: f64,
}

/// Facts that trials found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    /// Way of giving the schema that holds, if it is not the vendor's best.
    pub(super) way: Option<Structured>,
    /// From few in flight to many.
    pub(super) paces: Vec<Pace>,
    /// Terms that came back whole in one request, where they are packed, and what the pipeline asks for.
    pub(super) pack: Option<(usize, usize)>,
    /// Form of the pipeline that the pack was tried with, if it is another than was asked for.
    pub(super) profile: Option<Profile>,
    /// Seconds of the slowest request.
    pub(super) slowest: f64,
    /// Seconds that a request may take as things stand.
    pub(super) timeout: f64,
}

/// Part of the best pace with which fewer in flight are preferred.
const NEARLY: f64 = 0.9;

/// Time that a request may take, over the slowest that was seen: books have longer sentences.
const MARGIN: f64 = 4.0;

/// Requests in flight from which on the best pace is reached, if fewer than the most that were tried reach it.
fn enough(paces: &[Pace]) -> Option<usize> {
    let best = paces.iter().map(|pace| pace.per_second).max_by(f64::total_cmp)?;
    let first = paces.iter().find(|pace| pace.per_second >= best * NEARLY)?;
    (Some(first.in_flight) < paces.last().map(|pace| pace.in_flight)).then_some(first.in_flight)
}

/// Settings by key, as text of `corpora.toml`, with the reason for each.
pub(super) fn advice(measured: &Measured) -> Vec<(&'static str, toml::Value, String)> {
    let mut settings = Vec::new();
    if let Some(way) = measured.way {
        settings.push(("structured", way.word().into(), "the way of giving the schema to which it holds".to_owned()));
    }
    if let Some(profile) = measured.profile {
        settings.push(("profile", profile.word().into(), "the full form does not come back whole".to_owned()));
    }
    if let Some((whole, asked)) = measured.pack
        && whole < asked
    {
        let why = format!("{whole} terms came back whole in one request, {asked} did not");
        settings.push(("terms_per_request", (whole as i64).into(), why));
    }
    if let Some(enough) = enough(&measured.paces) {
        let why = "more in flight are not answered faster; as many again wait, so that none of them stands idle";
        settings.push(("in_flight", (enough as i64 * 2).into(), why.to_owned()));
    }
    let wanted = (measured.slowest * MARGIN / 30.0).ceil() * 30.0;
    if wanted > measured.timeout {
        let why = format!("the slowest request took {:.0} s", measured.slowest);
        settings.push(("request_timeout", (wanted as i64).into(), why));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paces(per_second: [f64; 3]) -> Vec<Pace> {
        [1, 2, 4].into_iter().zip(per_second).map(|(in_flight, per_second)| Pace { in_flight, per_second }).collect()
    }

    fn well() -> Measured {
        let paces = paces([20.0, 38.0, 75.0]);
        Measured { way: None, paces, pack: Some((20, 20)), profile: None, slowest: 9.0, timeout: 300.0 }
    }

    #[test]
    fn a_server_that_does_everything_needs_no_settings() {
        assert_eq!(advice(&well()), []);
    }

    #[test]
    fn each_shortcoming_has_its_setting() {
        let slow = Measured {
            way: Some(Structured::Prompt),
            paces: paces([20.0, 31.0, 30.0]),
            pack: Some((5, 20)),
            profile: Some(Profile::Small),
            slowest: 100.0,
            timeout: 300.0,
        };
        let told: Vec<(&str, String)> =
            advice(&slow).into_iter().map(|(key, value, _)| (key, value.to_string())).collect();
        let as_text = |key, value: &str| (key, value.to_owned());
        assert_eq!(
            told,
            [
                as_text("structured", "\"prompt\""),
                as_text("profile", "\"small\""),
                as_text("terms_per_request", "5"),
                as_text("in_flight", "4"),
                as_text("request_timeout", "420"),
            ]
        );
    }

    #[test]
    fn what_was_not_measured_is_not_advised_about() {
        let nothing = Measured { paces: Vec::new(), pack: None, ..well() };
        assert_eq!(advice(&nothing), []);
    }
}
