//! The workspace as `cargo metadata` tells it, and the lock file's text.

use crate::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// One package of the build on this machine.
pub struct Package {
    pub name: String,
    pub version: String,
    pub source: Option<String>,
    pub licence: Option<String>,
    pub features: BTreeSet<String>,
    /// Package ids; those of `dev` are only for its tests.
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

/// Every package of the build, by id.
pub struct Workspace(pub BTreeMap<String, Package>);

impl Workspace {
    /// Asks Cargo, without the network.
    pub fn read() -> Workspace {
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let arguments = ["metadata", "--format-version", "1", "--locked", "--offline"];
        let answer = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(arguments)
            .args(["--filter-platform", &platform])
            .output()
            .unwrap();
        assert!(
            answer.status.success(),
            "{}",
            String::from_utf8_lossy(&answer.stderr)
        );
        let metadata: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let mut packages = BTreeMap::new();
        for package in metadata["packages"].as_array().unwrap() {
            let text = |key: &str| package[key].as_str().map(str::to_owned);
            let read = Package {
                name: text("name").unwrap(),
                version: text("version").unwrap(),
                source: text("source"),
                licence: text("license"),
                features: BTreeSet::new(),
                normal: BTreeSet::new(),
                dev: BTreeSet::new(),
            };
            packages.insert(text("id").unwrap(), read);
        }
        for node in metadata["resolve"]["nodes"].as_array().unwrap() {
            let package = packages.get_mut(node["id"].as_str().unwrap()).unwrap();
            let features = node["features"].as_array().unwrap();
            package.features = features
                .iter()
                .map(|f| f.as_str().unwrap().to_owned())
                .collect();
            for dependency in node["deps"].as_array().unwrap() {
                let id = dependency["pkg"].as_str().unwrap().to_owned();
                for kind in dependency["dep_kinds"].as_array().unwrap() {
                    match kind["kind"].as_str() {
                        Some("dev") => package.dev.insert(id.clone()),
                        _ => package.normal.insert(id.clone()),
                    };
                }
            }
        }
        assert!(packages.len() > 300, "{} packages", packages.len());
        Workspace(packages)
    }

    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.0.values().filter(|package| package.source.is_none())
    }

    pub fn package(&self, name: &str) -> &Package {
        let mut named = self.0.values().filter(|package| package.name == name);
        named.next().unwrap_or_else(|| panic!("no package {name}"))
    }

    /// Names of what a member uses itself, tests included.
    pub fn direct(&self, member: &Package) -> BTreeSet<&str> {
        let ids = member.normal.iter().chain(&member.dev);
        ids.map(|id| self.0[id].name.as_str()).collect()
    }

    /// Names of everything that is linked into a package or builds it.
    pub fn tree(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&Package> = vec![self.package(name)];
        while let Some(package) = waiting.pop() {
            for id in &package.normal {
                if seen.insert(id) {
                    waiting.push(&self.0[id]);
                }
            }
        }
        seen.into_iter()
            .map(|id| self.0[id].name.as_str())
            .collect()
    }
}

/// Names and sources in Cargo.lock, for every platform.
pub fn locked() -> Vec<(String, Option<String>)> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages: Vec<_> = lock
        .split("[[package]]")
        .skip(1)
        .map(|package| {
            let value = |key: &str| {
                let mut lines = package.lines();
                let line = lines.find_map(|line| line.strip_prefix(&format!("{key} = \"")))?;
                Some(line.trim_end_matches('"').to_owned())
            };
            (value("name").unwrap(), value("source"))
        })
        .collect();
    assert!(packages.len() > 300);
    packages
}
