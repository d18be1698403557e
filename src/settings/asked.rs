//! Whom a run asks, and where that was set, in words.

use super::remote::ConnectionSettings;
use super::sources::{Origin, Sources};
use crate::engine::Remote;
use crate::stages::pipeline::Pipeline;

/// A sentence about the provider that a run asks: its address, and the places that provider, address and key came from.
pub(crate) fn asked(
    remote: &Remote,
    connection: &ConnectionSettings,
    pipeline: &Pipeline,
    sources: &Sources,
) -> String {
    let address = match connection.base_url {
        Some(_) => format!("address from the {}", sources.place("base_url")),
        None => match remote.dialect.preset {
            Some(preset) => format!("the address of {}", preset.described),
            None => "the vendor's own address".to_owned(),
        },
    };
    let key = match (&remote.key, &connection.key_file) {
        (None, _) => "no key".to_owned(),
        (Some(_), Some(file)) => {
            format!("key from the file '{}' as the {} says", file.display(), sources.place("key_file"))
        }
        (Some(_), None) => format!("key from the variable {}", remote.dialect.key_variable()),
    };
    let provider = match sources.origin("provider") {
        Origin::Default => format!("pipeline {}", pipeline.name),
        _ => sources.place("provider"),
    };
    format!(
        "asking {}: provider {} from the {provider}, {address}, {key}",
        remote.endpoint.origin(),
        pipeline.provider.name
    )
}

/// A sentence about the small form, in which a model is asked whose name tells so many billions of parameters.
pub(crate) fn small_form(billions: f64) -> String {
    format!(
        "the model has {billions} billion parameters by its name, and is asked for less at a time (--profile full: for all)"
    )
}
