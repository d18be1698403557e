//! `corpora view DIR`: the page, served to a browser on this machine and to nobody else.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::answers::{Answer, Answers};
use super::guard::{Asker, ENTER, PAGE, is_equal, judge};
use super::opening::{can_open, open};
use super::page::Page;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::folder::trusted;
use crate::cli::look_args::ViewArgs;
use crate::cli::{screen, signals};
use crate::engine::Cancel;

/// Bytes of a request that changes something, at most.
const LARGEST: usize = 1 << 20;

/// Time in which a browser that was started comes for its key.
const TICKET: Duration = Duration::from_secs(60);

/// The header in which the page sends the key.
const TOKEN: HeaderName = HeaderName::from_static("x-corpora-token");

struct Server {
    port: u16,
    token: String,
    /// What the browser's command line shows to every process of the machine is good for one use, and not for long.
    ticket: Mutex<Option<(String, Instant)>>,
    page: Page,
    answers: Answers,
}

/// Serves until it is interrupted.
pub(in crate::cli) fn run(args: &ViewArgs) -> Result<Exit, CommandError> {
    let folder = trusted(args.folder.existing()?)?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", args.port)).map_err(|e| {
        CommandError::bad_input(format!("port {} cannot be had: {e}; give another --port, or none", args.port))
    })?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let (token, ticket) = (secret()?, secret()?);
    let server = Arc::new(Server {
        port,
        ticket: Mutex::new(Some((ticket.clone(), Instant::now()))),
        page: Page::new(true),
        answers: Answers::new(folder),
        token,
    });
    let cancel = Cancel::default();
    signals::listen(cancel.clone(), || {})?;
    let (looker, stop) = (Arc::clone(&server), cancel.clone());
    let looking = std::thread::Builder::new().name("look".into()).spawn(move || looker.answers.pictures.keep(&stop))?;
    let address = format!("http://127.0.0.1:{port}/");
    let mut out = screen::out();
    writeln!(out, "{address}#token={}", server.token)?;
    out.flush()?;
    if !args.no_open && can_open(screen::is_watched()) && open(&format!("{address}#ticket={ticket}")) {
        writeln!(screen::err(), "opened in the browser; Control-C ends it")?;
    } else {
        writeln!(screen::err(), "open this address in a browser; Control-C ends it")?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            () = serve(listener, server) => {}
            () = stopped(&cancel) => {}
        }
    });
    let _ = looking.join();
    Ok(Exit::Done)
}

/// 32 bytes of the operating system's chance, in hexadecimal digits.
fn secret() -> Result<String, CommandError> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(|e| CommandError {
        exit: Exit::Internal,
        message: format!("the system gives no random numbers: {e}"),
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn stopped(cancel: &Cancel) {
    while !cancel.is_stopping() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn serve(listener: std::net::TcpListener, server: Arc<Server>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(answer(server, request).await) }
            });
            // A connection that ends in an error is one that the browser has left.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\0"))
}

async fn answer(server: Arc<Server>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let headers = request.headers();
    let asker = Asker {
        reads: matches!(*request.method(), Method::GET | Method::HEAD),
        path: &path,
        host: text(headers, header::HOST),
        origin: text(headers, header::ORIGIN),
        site: text(headers, "sec-fetch-site"),
        content_type: text(headers, header::CONTENT_TYPE),
        token: text(headers, TOKEN),
    };
    if let Err(refusal) = judge(&asker, server.port, &server.token) {
        return said(&(403, json!({ "error": refusal.words() })));
    }
    if asker.reads {
        if path == PAGE {
            return document(&server.page);
        }
        let Some(name) = path.strip_prefix("/api/").map(str::to_owned) else {
            return said(&(404, json!({ "error": "there is no such page" })));
        };
        let query = request.uri().query().unwrap_or_default().to_owned();
        let answered = tokio::task::spawn_blocking(move || server.answers.answer(&name, &query)).await;
        return said(&answered.unwrap_or_else(|_| broken()));
    }
    let body = match Limited::new(request.into_body(), LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return said(&(413, json!({ "error": "that is too much at once" }))),
    };
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        return said(&(400, json!({ "error": "that is not JSON" })));
    };
    if path == ENTER {
        return said(&enter(&server, value["ticket"].as_str().unwrap_or_default()));
    }
    let name = path.strip_prefix("/api/").unwrap_or_default().to_owned();
    let changed = tokio::task::spawn_blocking(move || server.answers.change(&name, &value)).await;
    said(&changed.unwrap_or_else(|_| broken()))
}

fn broken() -> Answer {
    (500, json!({ "error": "an internal error; please report it" }))
}

/// Gives the key for a ticket, once.
fn enter(server: &Server, given: &str) -> Answer {
    let mut ticket = server.ticket.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = ticket
        .as_ref()
        .is_some_and(|(own, made)| made.elapsed() < TICKET && is_equal(own.as_bytes(), given.as_bytes()));
    if fits {
        *ticket = None;
        return (200, json!({ "token": server.token }));
    }
    (403, json!({ "error": "this ticket was used or is too old" }))
}

fn document(page: &Page) -> Response<Full<Bytes>> {
    let html = format!("{}{}", page.before, page.after);
    let mut response = Response::new(Full::new(Bytes::from(html)));
    let headers = response.headers_mut();
    guarded(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = format!("{}; frame-ancestors 'none'", page.policy);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn said((status, value): &Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(*status).unwrap_or_default();
    let headers = response.headers_mut();
    guarded(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

/// Headers of every answer: nobody keeps it, frames it, guesses its kind or takes it into another page.
fn guarded(headers: &mut HeaderMap) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
