//! The server: one thread, any number of connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;

use super::apply_fault::http_date;
use super::reply::{Body, Reply, send};
use super::state::State;
use super::{BatchCounters, Counters, JournalEntry, PaidAsk, SimulatorConfig};
use super::{batches, exchange};

/// A simulator that runs on a thread of its own until it is dropped.
pub struct Simulator {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Simulator {
    /// Starts on loopback. Port 0 takes any free one.
    ///
    /// # Errors
    /// If the port or the journal file cannot be had.
    pub fn start(config: SimulatorConfig, port: u16, now_unix_s: f64) -> io::Result<Self> {
        let file = match &config.journal {
            Some(path) => Some(std::fs::OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let elsewhere = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        elsewhere.set_nonblocking(true)?;
        let state = Arc::new(State::new(config, file, now_unix_s, elsewhere.local_addr()?));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, Arc::clone(&served), answer) => {}
                    () = serve(elsewhere, served, batches::answer_elsewhere) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { state, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sums over all requests so far.
    pub fn counters(&self) -> Counters {
        self.state.journal.counters()
    }

    /// Sums over all batches so far.
    pub fn batch_counters(&self) -> BatchCounters {
        self.state.batches.counters()
    }

    /// Every request that was paid for, or will be when its batch ends: the provider's side of the ledger.
    pub fn paid(&self) -> Vec<PaidAsk> {
        let mut paid = self.state.journal.paid();
        paid.extend(self.state.batches.paid(&self.state));
        paid
    }

    /// Time at which each batch was made, in milliseconds since the simulator's start.
    pub fn batch_creations_ms(&self) -> Vec<f64> {
        self.state.batches.creations_ms()
    }

    /// All requests that have ended, if they are kept.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state.journal.entries()
    }

    /// Lets every batch that is under way end now, however much time it had left.
    pub fn end_batches(&self) {
        self.state.batches.end_all(self.state.now_ms());
    }

    /// Changes what the simulator does from now on; the journal goes on.
    pub fn reconfigure(&self, config: SimulatorConfig) {
        self.state.reconfigure(config);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve<F, E>(
    listener: std::net::TcpListener,
    state: Arc<State>,
    answer: impl Fn(Arc<State>, Request<Incoming>) -> F + Copy + Send + 'static,
) where
    F: Future<Output = Result<Response<Body>, E>> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will be given back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
            // A connection that ends in an error is one that the client or a fault has cut.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    if request.uri().path().starts_with("/__simulator/") {
        return Ok(admin(&state, request).await);
    }
    let mut response = exchange::answer(Arc::clone(&state), request).await?;
    if let Ok(date) = http_date(state.unix_s()).try_into() {
        // Its own clock, which need not be this machine's.
        response.headers_mut().insert(hyper::header::DATE, date);
    }
    Ok(response)
}

/// The interface for whoever runs the simulator.
async fn admin(state: &Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let reply = match path.trim_start_matches("/__simulator/") {
        "counters" => Reply::json(200, &serde_json::to_value(state.journal.counters()).unwrap_or_default()),
        "journal" => Reply::json(200, &serde_json::to_value(state.journal.entries()).unwrap_or_default()),
        "config" => {
            let body = request.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            match serde_json::from_slice::<SimulatorConfig>(&body) {
                Ok(config) => {
                    state.reconfigure(config);
                    Reply::json(200, &json!({"ok": true}))
                }
                Err(e) => Reply::json(400, &json!({"error": e.to_string()})),
            }
        }
        _ => Reply::json(404, &json!({"error": "there are counters, journal and config"})),
    };
    send(reply, None)
}
