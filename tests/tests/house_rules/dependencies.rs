//! Which way dependencies point, and what may not be among them.

use crate::metadata::{Workspace, locked};
use crate::{Offence, nobody_breaks};
use std::collections::BTreeSet;

/// Each crate with the workspace's crates that it may use. Deployables never depend on each other.
const DIRECTION: [(&str, &[&str]); 13] = [
    ("fengjuan-core", &[]),
    ("fengjuan-envelope", &[]),
    ("fengjuan-camera", &[]),
    ("fengjuan-wire", &["fengjuan-core", "fengjuan-envelope"]),
    ("fengjuan-store", &["fengjuan-envelope"]),
    (
        "fengjuan-serve",
        &["fengjuan-envelope", "fengjuan-store", "fengjuan-wire"],
    ),
    (
        "fengjuan-device",
        &[
            "fengjuan-camera",
            "fengjuan-core",
            "fengjuan-envelope",
            "fengjuan-store",
            "fengjuan-wire",
        ],
    ),
    (
        "fengjuan-terminal",
        &[
            "fengjuan-camera",
            "fengjuan-core",
            "fengjuan-device",
            "fengjuan-envelope",
            "fengjuan-store",
            "fengjuan-wire",
        ],
    ),
    (
        "fengjuan-hub",
        &[
            "fengjuan-camera",
            "fengjuan-core",
            "fengjuan-device",
            "fengjuan-envelope",
            "fengjuan-serve",
            "fengjuan-store",
            "fengjuan-wire",
        ],
    ),
    (
        "fengjuan-center",
        &[
            "fengjuan-core",
            "fengjuan-envelope",
            "fengjuan-serve",
            "fengjuan-store",
            "fengjuan-wire",
        ],
    ),
    (
        "fengjuan-audit",
        &[
            "fengjuan-core",
            "fengjuan-envelope",
            "fengjuan-store",
            "fengjuan-wire",
        ],
    ),
    (
        "fengjuan",
        &[
            "fengjuan-camera",
            "fengjuan-core",
            "fengjuan-device",
            "fengjuan-hub",
            "fengjuan-terminal",
        ],
    ),
    // Benchmarks time the verifier's library, and a room's parties run in processes of their own over the libraries of
    // the deployables; journeys reach into no deployable but by running it.
    (
        "fengjuan-tests",
        &[
            "fengjuan-audit",
            "fengjuan-camera",
            "fengjuan-center",
            "fengjuan-core",
            "fengjuan-device",
            "fengjuan-envelope",
            "fengjuan-hub",
            "fengjuan-serve",
            "fengjuan-store",
            "fengjuan-terminal",
            "fengjuan-wire",
        ],
    ),
];

#[test]
fn dependencies_point_one_way() {
    let workspace = Workspace::read();
    let known: BTreeSet<&str> = DIRECTION.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = workspace
        .members()
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(members, known, "a crate without a place in the house");
    let mut offences = Vec::new();
    for member in workspace.members() {
        let (_, allowed) = DIRECTION
            .iter()
            .find(|(name, _)| *name == member.name)
            .unwrap();
        for used in workspace.direct(member) {
            if members.contains(used) && !allowed.contains(&used) {
                offences.push(Offence::of(&member.name, format!("uses {used}")));
            }
        }
    }
    nobody_breaks("Dependencies point the way of the house.", offences);
}

/// What must not be in a crate's tree: windows below the app, and disks, sockets and runtimes in the leaves.
#[test]
fn crates_stay_free_of_what_they_must_not_know() {
    let workspace = Workspace::read();
    let windows = [
        "gtk",
        "gtk-sys",
        "glib",
        "glib-sys",
        "webkit2gtk",
        "wry",
        "tao",
        "tauri",
    ];
    let outside = [
        "tokio", "mio", "rusqlite", "reqwest", "hyper", "axum", "std-fs",
    ];
    let mut offences = Vec::new();
    for name in [
        "core", "envelope", "wire", "store", "camera", "serve", "device", "terminal", "hub",
        "center", "audit",
    ] {
        let tree = workspace.tree(&format!("fengjuan-{name}"));
        assert!(tree.len() > 3, "{name} has a tree");
        let leaf = ["core", "envelope", "wire"].contains(&name);
        let banned = windows.iter().chain(outside.iter().filter(|_| leaf));
        for banned in banned.filter(|banned| tree.contains(**banned)) {
            offences.push(Offence::of(name, format!("has {banned} in its tree")));
        }
    }
    nobody_breaks("Crates stay free of what they must not know.", offences);
    assert!(
        workspace.tree("fengjuan").contains("gtk"),
        "the app has a window"
    );
}

/// One TLS stack and one cryptography provider; see `deny.toml`, which says the same to `cargo deny`.
const BANNED: [&str; 6] = [
    "aws-lc-sys",
    "aws-lc-rs",
    "aws-lc-fips-sys",
    "openssl-sys",
    "openssl",
    "native-tls",
];

#[test]
fn one_tls_stack_and_one_registry() {
    let mut offences = Vec::new();
    let mut names = BTreeSet::new();
    for (name, source) in locked() {
        if BANNED.contains(&name.as_str()) {
            offences.push(Offence::of("Cargo.lock", format!("holds {name}")));
        }
        if source
            .is_some_and(|from| from != "registry+https://github.com/rust-lang/crates.io-index")
        {
            offences.push(Offence::of(
                "Cargo.lock",
                format!("{name} is not from crates.io"),
            ));
        }
        names.insert(name);
    }
    nobody_breaks(
        "Packages come from crates.io, with ring under rustls and nothing else.",
        offences,
    );
    assert!(names.contains("ring") && names.contains("rustls"));
}

/// The SQLite that is linked must have no twin: its version is asserted at every open.
#[test]
fn one_sqlite_is_linked() {
    let count = locked()
        .iter()
        .filter(|(name, _)| name == "libsqlite3-sys")
        .count();
    assert_eq!(count, 1);
    let workspace = Workspace::read();
    assert!(
        workspace
            .package("libsqlite3-sys")
            .features
            .contains("bundled")
    );
}
