//! The least that a Tauri window costs on this machine: the peer of the window benchmark. It has the size, the engine
//! and the settings of the app, and no page.

use tauri::{WebviewUrl, WebviewWindowBuilder};

fn main() -> Result<(), tauri::Error> {
    let blank = tauri::Url::parse("about:blank").map_err(|_| tauri::Error::InvalidWindowHandle)?;
    tauri::Builder::default()
        .setup(move |app| {
            WebviewWindowBuilder::new(app, "empty", WebviewUrl::External(blank))
                .decorations(false)
                .fullscreen(true)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}
