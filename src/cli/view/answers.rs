//! What the server answers: the same shapes that a report holds.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::decide::{self, action, known, standing};
use super::drawing::drawing;
use super::night::night;
use super::picture::{Opened, Pictures};
use crate::engine::{Facets, Look, LookError, LookSource, Shelf, TermPage, TermQuery};
use crate::stages::consolidate::Decisions;
use crate::values::{DECISIONS_FILE, REVIEW_FILE};

/// Everything that is needed to answer.
pub(super) struct Answers {
    folder: PathBuf,
    pub(super) pictures: Pictures,
    /// Number of the look that was told of decisions, and sizes and times of their files then.
    told: Mutex<Option<(u64, Stamps)>>,
}

/// Size and time of each file of decisions.
type Stamps = [Option<(u64, Option<std::time::SystemTime>)>; 2];

/// An answer: a status and what is said.
pub(super) type Answer = (u16, Value);

fn refused(status: u16, words: impl std::fmt::Display) -> Answer {
    (status, json!({ "error": words.to_string() }))
}

fn locked(look: &Arc<Mutex<Look>>) -> MutexGuard<'_, Look> {
    look.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Answers {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { pictures: Pictures::new(folder.clone()), folder, told: Mutex::new(None) }
    }

    /// Answers a question; `name` is the path below `/api/`.
    pub(super) fn answer(&self, name: &str, query: &str) -> Answer {
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let value = |name: &str| given.iter().find(|(n, _)| n == name).map_or("", |(_, v)| &**v);
        let number = |name: &str| value(name).parse::<u32>().unwrap_or(0);
        let (look, picture, words) = self.pictures.newest();
        match name {
            "night" => return self.night(),
            "decisions" => {
                let listed = |decisions| (200, json!({ "list": standing(&decisions) }));
                return known(&self.folder).map_or_else(|e| refused(500, e), listed);
            }
            _ => {}
        }
        let Some(look) = look else { return Self::early(name, words) };
        let look = locked(&look);
        if matches!(name, "terms" | "facets")
            && let Err(words) = self.tell(&look, picture)
        {
            return refused(500, words);
        }
        let said = match name {
            "shelf" => look.shelf().map(|shelf| {
                let mut shelf = json!(shelf);
                (shelf["picture"], shelf["reading"]) = (picture.into(), words.into());
                shelf
            }),
            "terms" => look.terms(&asked(&given)).map(|page| json!(page)),
            "facets" => look.facets(&asked(&given)).map(|facets| json!(facets)),
            "term" => look.term(value("id")).map(|card| json!(card)),
            "book" => self.with_store(|source| look.book(source, number("n")).map(|card| json!(card))),
            "picture" => {
                let wanted = self.with_store(|source| {
                    look.page_to_draw(source, number("book"), number("section"), Some(value("id")))
                });
                drop(look);
                return match wanted {
                    Ok(wanted) => {
                        let drawn = drawing(&self.folder, number("section"), wanted);
                        drawn.map_or_else(|words| refused(404, words), |drawn| (200, drawn))
                    }
                    Err(error) => refused(404, error),
                };
            }
            "page" => self.with_store(|source| {
                look.page(source, number("book"), number("section"), Some(value("id"))).map(|page| json!(page))
            }),
            _ => Err(LookError::Missing(format!("answer to '{name}'"))),
        };
        match said {
            Ok(value) => (200, value),
            Err(error @ LookError::Missing(_)) => refused(404, error),
            Err(error) => refused(500, error),
        }
    }

    /// Does what a request of the page asks for; `name` is the path below `/api/`.
    pub(super) fn change(&self, name: &str, body: &Value) -> Answer {
        let done = match name {
            "decide" => decide::decide(&self.folder, body).map(|decisions| json!({ "list": standing(&decisions) })),
            "undo" => decide::undo(&self.folder)
                .map(|(decisions, undone)| json!({ "list": standing(&decisions), "undone": undone })),
            _ => return refused(404, "there is no such thing to do"),
        };
        done.map_or_else(|words| refused(409, words), |value| (200, value))
    }

    /// Tells the look what is decided, where that has changed.
    fn tell(&self, look: &Look, picture: u64) -> Result<(), String> {
        let stamp = |name: &str| {
            let metadata = std::fs::metadata(self.folder.join(name)).ok()?;
            Some((metadata.len(), metadata.modified().ok()))
        };
        let now = Some((picture, [DECISIONS_FILE, REVIEW_FILE].map(stamp)));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != now {
            let decisions: Decisions = known(&self.folder).map_err(|e| e.message)?;
            let each = decisions.standing().map(|(term, standing)| (term, action(standing)));
            look.note_decided(each).map_err(|e| e.to_string())?;
            *told = now;
        }
        Ok(())
    }

    /// Answers before the first look is made.
    fn early(name: &str, words: Option<String>) -> Answer {
        let reading = words.unwrap_or_else(|| "reading".to_owned());
        match name {
            "shelf" => {
                let mut shelf = json!(Shelf::default());
                (shelf["picture"], shelf["reading"]) = (0.into(), reading.into());
                (200, shelf)
            }
            "terms" => (200, json!(TermPage::default())),
            "facets" => (200, json!(Facets::default())),
            _ => refused(503, reading),
        }
    }

    fn night(&self) -> Answer {
        let said = Opened::of(&self.folder).and_then(|opened| night(&self.folder, opened.as_ref(), true));
        said.map_or_else(|e| refused(500, e), |night| (200, night))
    }

    fn with_store<T>(&self, ask: impl FnOnce(LookSource<'_>) -> Result<T, LookError>) -> Result<T, LookError> {
        // A store that cannot be read now is as none: the page shows what it can.
        let opened = Opened::of(&self.folder).ok().flatten();
        ask(Opened::source(opened.as_ref()))
    }
}

fn asked(given: &[(Cow<'_, str>, Cow<'_, str>)]) -> TermQuery {
    TermQuery::of(given.iter().map(|(name, value)| (&**name, &**value)))
}
