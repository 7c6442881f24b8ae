//! Names the app's commands, so that the capability file has to allow each one.

fn main() {
    // The page is embedded when the app is compiled, and nothing else would notice that it was built anew.
    println!("cargo::rerun-if-changed=../ui/dist");
    let manifest = tauri_build::AppManifest::new().commands(&[
        "view",
        "candidate",
        "seat",
        "desk",
        "code_group",
        "painted",
        "role",
        "station_page",
        "station_action",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
