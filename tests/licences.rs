//! What comes in with dependencies: their licences and where they are from, against `deny.toml`. `cargo deny check` does the same and more
//! where it is installed; building it took CI longer than this whole suite's own crates.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Every package that any feature on any platform brings in, as cargo tells.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut told: Value = serde_json::from_slice(&told.stdout).unwrap();
    serde_json::from_value(told["packages"].take()).unwrap()
}

/// Words that are wrong with a package.
fn wrong(package: &Value, allowed: &BTreeSet<String>) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    let Some(licence) = package["license"].as_str() else {
        return Some(format!("{name} names no licence"));
    };
    let mode = spdx::ParseMode::LAX;
    let is_allowed = spdx::Expression::parse_mode(licence, mode)
        .is_ok_and(|expression| expression.evaluate(|wanted| allowed.contains(&wanted.to_string())));
    if !is_allowed {
        return Some(format!("{name} has the licence {licence}, which deny.toml does not allow"));
    }
    // Of this workspace, or of the registry; never of a repository.
    match package["source"].as_str() {
        Some(source) if !source.starts_with("registry+") => Some(format!("{name} comes from {source}")),
        None if package["dependencies"]
            .as_array()?
            .iter()
            .any(|needed| needed["req"] == "*" && needed["path"].is_null()) =>
        {
            Some(format!("{name} takes any version of something"))
        }
        _ => None,
    }
}

fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = toml::from_str(include_str!("../deny.toml")).unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_licence_is_allowed_and_everything_comes_from_the_registry() {
    let (packages, allowed) = (packages(), allowed());
    assert!(packages.len() > 200, "{} packages", packages.len());
    let wrong: Vec<String> = packages.iter().filter_map(|package| wrong(package, &allowed)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let used: BTreeSet<&str> = packages.iter().filter_map(|package| package["license"].as_str()).collect();
    let unused: Vec<&String> =
        allowed.iter().filter(|licence| !used.iter().any(|used| used.contains(licence.as_str()))).collect();
    assert!(unused.is_empty(), "deny.toml allows what nothing has: {unused:?}");
}

#[test]
fn a_licence_that_is_not_allowed_and_a_foreign_source_are_found() {
    let package = |licence: Option<&str>, source: Option<&str>| serde_json::json!({"name": "p", "version": "1.0.0", "license": licence, "source": source, "dependencies": []});
    let wrong = |licence, source| wrong(&package(licence, source), &allowed()).unwrap_or_default();
    let registry = Some("registry+https://registry.example/index");
    for good in ["MIT", "MIT OR SSPL-1.0", "MIT/Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC AND MIT"] {
        assert_eq!(wrong(Some(good), registry), "", "{good}");
    }
    for bad in ["SSPL-1.0", "MIT AND SSPL-1.0", "Apache-2.0 WITH Classpath-exception-2.0", "no licence"] {
        assert!(wrong(Some(bad), registry).contains("does not allow"), "{bad}");
    }
    assert!(wrong(None, registry).contains("names no licence"));
    assert!(wrong(Some("MIT"), Some("git+https://forge.example/p")).contains("comes from"));
}
