//! `--log FILE`: what was asked when, for whoever has to find out what happened. With the feature `otel`, spans go to a collector
//! too.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry};

use super::exit::CommandError;
use super::screen;
use crate::settings::{LogFormat, LogSettings};

/// Keeps the log going; what waits to be exported is sent when it is dropped.
pub(super) struct Log {
    #[cfg(feature = "otel")]
    spans: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Drop for Log {
    fn drop(&mut self) {
        #[cfg(feature = "otel")]
        if let Some(spans) = self.spans.take() {
            // A collector that is gone must not fail a run that is done.
            let _ = spans.shutdown();
        }
    }
}

/// Starts the log, if one is wanted. Only this program's own lines are written: what the HTTP library would log may hold
/// headers.
pub(super) fn start(settings: &LogSettings) -> Result<Log, CommandError> {
    let ours = || Targets::new().with_target("corpora", tracing::Level::INFO);
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    if let Some(path) = &settings.log {
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(Mutex::new(screen::log(open(path)?, settings.log_format)));
        layers.push(match settings.log_format {
            LogFormat::Text => lines.with_filter(ours()).boxed(),
            LogFormat::Json => lines.json().with_filter(ours()).boxed(),
        });
    }
    #[cfg(feature = "otel")]
    let spans = collector()?;
    #[cfg(feature = "otel")]
    if let Some(spans) = &spans {
        use opentelemetry::trace::TracerProvider;
        layers.push(tracing_opentelemetry::layer().with_tracer(spans.tracer("corpora")).with_filter(ours()).boxed());
    }
    if !layers.is_empty() {
        tracing_subscriber::registry().with(layers).init();
    }
    Ok(Log {
        #[cfg(feature = "otel")]
        spans,
    })
}

fn open(path: &Path) -> Result<File, CommandError> {
    OpenOptions::new().create(true).append(true).open(path).map_err(|e| {
        CommandError::bad_input(format!(
            "the log file '{}' cannot be opened: {e}; give another one with --log",
            path.display()
        ))
    })
}

/// The collector that the environment names, if it names one.
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>
#[cfg(feature = "otel")]
fn collector() -> Result<Option<opentelemetry_sdk::trace::SdkTracerProvider>, CommandError> {
    let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    if !named.iter().any(|name| std::env::var_os(name).is_some()) {
        return Ok(None);
    }
    crate::remote::choose_cryptography();
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build().map_err(|e| {
        CommandError::bad_input(format!("spans cannot be exported as OTEL_EXPORTER_OTLP_ENDPOINT says: {e}"))
    })?;
    let resource = opentelemetry_sdk::Resource::builder().with_service_name("corpora").build();
    let spans = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    Ok(Some(spans))
}
