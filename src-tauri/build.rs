//! Names the app's commands, so that the capability file has to allow each one.

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(&[
        "view",
        "candidate",
        "seat",
        "desk",
        "code_group",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
