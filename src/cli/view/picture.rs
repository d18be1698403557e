//! The newest look at a folder: made in the background, and made anew when the folder has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::exit::CommandError;
use crate::cli::progress::counted;
use crate::cli::saved::fps_of;
use crate::engine::{Cancel, Look, LookError, LookSource, LookStep, folder_stamp};
use crate::store::{Reader, STORE_FOLDER, StageFps, Store};

/// Time between two looks, at least.
const PAUSE: Duration = Duration::from_secs(2);

/// Part of the time that looking may take: one in so many.
const SHARE: u32 = 8;

/// The store of a folder, open to be read.
pub(super) struct Opened {
    _store: Store,
    pub(super) reader: Reader,
    pub(super) fps: Option<StageFps>,
}

impl Opened {
    /// Opens the store; none if the folder has none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, CommandError> {
        if !folder.join(STORE_FOLDER).join("store.sqlite").exists() {
            return Ok(None);
        }
        let store = Store::open_existing(folder)?;
        let reader = store.reader()?;
        let fps = fps_of(&reader)?;
        Ok(Some(Self { _store: store, reader, fps }))
    }

    /// What a look asks.
    pub(super) fn source(opened: Option<&Self>) -> LookSource<'_> {
        opened.and_then(|opened| Some((&opened.reader, opened.fps.as_ref()?)))
    }
}

/// The newest look, and how it stands with the next.
pub(super) struct Pictures {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    look: Option<Arc<Mutex<Look>>>,
    /// Number of the look, from 1.
    number: u64,
    /// Words about what is being done, or why it cannot be.
    words: Option<String>,
}

impl Pictures {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, state: Mutex::new(State::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest look, its number, and words about the next.
    pub(super) fn newest(&self) -> (Option<Arc<Mutex<Look>>>, u64, Option<String>) {
        let state = self.state();
        (state.look.clone(), state.number, state.words.clone())
    }

    /// Looks, and looks again whenever something has changed, until `cancel`.
    pub(super) fn keep(&self, cancel: &Cancel) {
        let mut seen = None;
        while !cancel.is_stopping() {
            let began = Instant::now();
            let stamp = folder_stamp(&self.folder);
            if seen != Some(stamp) {
                seen = Some(stamp);
                self.look(cancel);
            }
            let pause = PAUSE.max(began.elapsed() * SHARE);
            let until = Instant::now() + pause;
            while !cancel.is_stopping() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    fn look(&self, cancel: &Cancel) {
        let made = Opened::of(&self.folder).map_err(|e| e.message).and_then(|opened| {
            let mut step = |step: LookStep| {
                self.state().words = Some(match step {
                    LookStep::Read(n) => format!("reading: {}", counted(n, "vocabulary file", "vocabulary files")),
                    LookStep::Terms => "reading: terms".to_owned(),
                });
                !cancel.is_stopping()
            };
            match Look::of(&self.folder, Opened::source(opened.as_ref()), &mut step) {
                Ok(look) => Ok(Some(look)),
                Err(LookError::Stopped) => Ok(None),
                Err(e) => Err(e.to_string()),
            }
        });
        let mut state = self.state();
        state.words = None;
        match made {
            Ok(Some(look)) => {
                state.look = Some(Arc::new(Mutex::new(look)));
                state.number += 1;
            }
            Ok(None) => {}
            Err(words) => state.words = Some(words),
        }
    }
}

/// Words about a look that is being made, for a terminal.
pub(super) fn step_words(step: LookStep) -> String {
    match step {
        LookStep::Read(n) => counted(n, "file", "files"),
        LookStep::Terms => "terms".to_owned(),
    }
}
