//! The least that a Tauri window costs on this machine: the peer of the window benchmark. It has the size, the engine
//! and the settings of the app, and a page with nothing on it.

use tauri::http::Response;
use tauri::{WebviewUrl, WebviewWindowBuilder};

/// A page without a background lets the window's own colour through, which is there long before any page is.
const WHITE: &[u8] = b"<!doctype html><html style=\"background: white\"></html>";

fn main() -> Result<(), tauri::Error> {
    let page =
        tauri::Url::parse("empty://localhost/").map_err(|_| tauri::Error::InvalidWindowHandle)?;
    tauri::Builder::default()
        .register_uri_scheme_protocol("empty", |_, _| {
            let mut response = Response::new(WHITE.to_vec());
            let html = tauri::http::HeaderValue::from_static("text/html");
            let _ = response.headers_mut().insert("content-type", html);
            response
        })
        .setup(move |app| {
            WebviewWindowBuilder::new(app, "empty", WebviewUrl::CustomProtocol(page))
                .decorations(false)
                .fullscreen(true)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}
