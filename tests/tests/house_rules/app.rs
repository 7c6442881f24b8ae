//! The app as it leaves the house: what its configuration grants, and what is in the program that the journeys run.

use crate::metadata::Workspace;
use crate::root;
use fengjuan_tests::process::program;
use serde_json::Value;
use std::collections::BTreeSet;

fn json(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_content_policy_is_strict() {
    let configuration = json("src-tauri/tauri.conf.json");
    let security = &configuration["app"]["security"];
    let policy = security["csp"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for word in [
        "unsafe-inline",
        "unsafe-eval",
        "unsafe-hashes",
        "*",
        "https:",
        "data:",
        "blob:",
    ] {
        assert!(!policy.contains(word), "{word} in {policy}");
    }
    for rule in policy.split(';') {
        // Tauri's own channel to the program is the one address.
        let addresses = rule
            .split_whitespace()
            .filter(|word| word.starts_with("http:"));
        assert!(
            addresses
                .into_iter()
                .all(|word| word == "http://ipc.localhost"),
            "{rule}"
        );
    }
    assert!(
        security.get("devCsp").is_none()
            && security
                .get("dangerousDisableAssetCspModification")
                .is_none()
    );
    assert_eq!(security["freezePrototype"], true);
    assert!(
        configuration["build"].get("devUrl").is_none(),
        "the page is always the built one"
    );
    assert!(configuration["app"].get("withGlobalTauri").is_none());
    assert_eq!(
        configuration["app"]["windows"],
        Value::Array(Vec::new()),
        "windows are opened by the program"
    );
}

/// Words between quotes in a list that starts after `before` and ends at `]`, or command paths up to there.
fn listed(file: &str, before: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let list = text
        .split(before)
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .unwrap();
    let words = list.split(',').map(|word| word.trim().trim_matches('"'));
    let words = words.map(|word| word.rsplit("::").next().unwrap().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_window_may_call_its_commands_and_nothing_else() {
    let commands = listed("src-tauri/src/main.rs", "generate_handler![");
    assert!(commands.contains("candidate"), "{commands:?}");
    assert_eq!(
        commands,
        listed("src-tauri/build.rs", ".commands(&["),
        "build.rs names every command"
    );

    let files: Vec<_> = std::fs::read_dir(root().join("src-tauri/capabilities"))
        .unwrap()
        .collect();
    assert_eq!(
        files.len(),
        2,
        "a window for each role, one capability each"
    );
    assert_eq!(
        json("src-tauri/tauri.conf.json")["app"]["security"]["capabilities"],
        serde_json::json!(["kiosk", "station"])
    );
    let both = ["role", "code_group", "painted"];
    let kiosk = granted("kiosk");
    let station = granted("station");
    for command in &commands {
        let of_station = command.starts_with("station_");
        let of_both = both.contains(&command.as_str());
        let name = format!("allow-{}", command.replace('_', "-"));
        assert_eq!(kiosk.contains(&name), !of_station, "{command}");
        assert_eq!(station.contains(&name), of_station || of_both, "{command}");
    }
    let granted: BTreeSet<&String> = kiosk.union(&station).collect();
    assert_eq!(granted.len(), commands.len() + 2, "{granted:?}");
}

/// What a window may, which is its commands and listening to what the app says.
fn granted(window: &str) -> BTreeSet<String> {
    let capability = json(&format!("src-tauri/capabilities/{window}.json"));
    assert_eq!(capability["windows"], serde_json::json!([window]));
    assert!(capability.get("remote").is_none() && capability.get("webviews").is_none());
    let permissions = capability["permissions"].as_array().unwrap();
    let permissions = permissions
        .iter()
        .map(|one| one.as_str().unwrap().to_owned());
    let granted: BTreeSet<String> = permissions.collect();
    for event in ["core:event:allow-listen", "core:event:allow-unlisten"] {
        assert!(granted.contains(event), "{window}");
    }
    granted
}

#[test]
fn no_development_tool_is_compiled_in() {
    let workspace = Workspace::read();
    for package in ["tauri", "tauri-runtime", "tauri-runtime-wry", "wry"] {
        let features = &workspace.package(package).features;
        assert!(!features.contains("devtools"), "{package} has devtools");
        assert!(
            !features.contains("tracing"),
            "{package} traces what it shows"
        );
    }
    assert!(
        workspace
            .package("tauri")
            .features
            .contains("custom-protocol")
    );
    let members: BTreeSet<&str> = workspace.0.values().map(|p| p.name.as_str()).collect();
    let plugins: Vec<_> = members
        .iter()
        .filter(|name| name.starts_with("tauri-plugin-"))
        .collect();
    assert!(plugins.is_empty(), "{plugins:?}");
}

/// Staff passwords that the fixtures and journeys type, in clear.
fn fixture_passwords() -> Vec<String> {
    let plan = std::fs::read_to_string(root().join("fixtures/plan/day.toml")).unwrap();
    let words = plan.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let mut found: Vec<String> = words
        .filter(|word| word.starts_with("jianKao-"))
        .map(str::to_owned)
        .collect();
    assert!(found.len() >= 4, "{found:?}");
    found.push(fengjuan_tests::plan::PASSWORD.to_owned());
    found
}

#[test]
fn the_programs_hold_no_key_and_no_password() {
    for name in ["fengjuan", "fengjuan-center", "fengjuan-audit"] {
        let bytes = std::fs::read(program(name).unwrap()).unwrap();
        let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        assert!(holds("fengjuan"), "{name} was read");
        let mut banned = fixture_passwords();
        banned.extend(
            [
                "-----BEGIN PRIVATE KEY",
                "-----BEGIN EC PRIVATE KEY",
                "-----BEGIN RSA PRIVATE KEY",
                "-----BEGIN CERTIFICATE-----\n",
                "http://localhost:",
                "http://127.0.0.1:",
                "[::1]:1420",
            ]
            .map(str::to_owned),
        );
        for text in banned {
            assert!(!holds(&text), "{name} holds {text:?}");
        }
    }
}

/// The page inside the program is the one in `ui/dist`, not an older build.
#[test]
fn the_program_shows_the_page_that_was_built() {
    let bytes = std::fs::read(program("fengjuan").unwrap()).unwrap();
    for asset in std::fs::read_dir(root().join("ui/dist/assets")).unwrap() {
        let name = asset.unwrap().file_name().into_string().unwrap();
        let path = format!("/assets/{name}");
        let found = memchr::memmem::find(&bytes, path.as_bytes()).is_some();
        assert!(found, "{path} is not in the program: build it again");
    }
}
