//! The kiosk window: full screen, undecorated, on top, with no way to another page. Losing focus is an event.

use crate::options::{Options, Placement};
use fengjuan_terminal::controller::{DisplayPort, WindowEvent};
use fengjuan_terminal::front::Front;
use std::sync::{Arc, Mutex, OnceLock};
use tauri::webview::NewWindowResponse;
use tauri::{Manager, WebviewUrl, WebviewWindowBuilder};

/// The label that the capability file names.
const LABEL: &str = "kiosk";

/// Opens the one window.
pub fn open(app: &mut tauri::App, options: &Options) -> tauri::Result<()> {
    DISPLAYS.get_or_init(|| Mutex::new(app.handle().clone()));
    // The engine's own folder lies in the data directory, where the scan for readable paper looks too.
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("封卷")
        .data_directory(options.data_dir().join("webview"))
        .decorations(false)
        .disable_drag_drop_handler()
        .zoom_hotkeys_enabled(false)
        .on_navigation(|url| matches!(url.scheme(), "tauri" | "about"))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false);
    builder = match options.windowed {
        Some(Placement {
            width,
            height,
            x,
            y,
        }) => builder
            .inner_size(f64::from(width), f64::from(height))
            .position(f64::from(x), f64::from(y)),
        None => builder
            .fullscreen(true)
            .always_on_top(true)
            .closable(false)
            .minimizable(false),
    };
    let window = builder.build()?;
    window.with_webview(|webview| harden(&webview))?;
    Ok(())
}

/// What the builder cannot say: no disk cache, no menus, no gestures.
fn harden(webview: &tauri::webview::PlatformWebview) {
    use webkit2gtk::{
        CacheModel, HardwareAccelerationPolicy, SettingsExt, WebContextExt, WebViewExt,
    };
    let view = webview.inner();
    if let Some(context) = view.context() {
        context.set_cache_model(CacheModel::DocumentViewer);
    }
    if let Some(settings) = WebViewExt::settings(&view) {
        // Forms and still pictures gain nothing from a GPU, and the machines of exam rooms have old drivers or none:
        // compiling shaders for the first frame alone costs a second there, and tens of megabytes.
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        settings.set_enable_developer_extras(false);
        settings.set_enable_page_cache(false);
        settings.set_enable_html5_local_storage(false);
        settings.set_enable_html5_database(false);
        settings.set_enable_back_forward_navigation_gestures(false);
    }
    view.connect_context_menu(|_, _, _, _| true);
    view.connect_print(|_, _| true);
}

/// Tells the terminal what happened to the window.
pub fn observe(window: &tauri::Window, event: &tauri::WindowEvent) {
    let terminal = window.state::<Arc<Front>>();
    match event {
        tauri::WindowEvent::Focused(true) => terminal.window_event(WindowEvent::FocusBack),
        tauri::WindowEvent::Focused(false) => terminal.window_event(WindowEvent::FocusLost),
        tauri::WindowEvent::CloseRequested { api, .. } if !terminal.may_close() => {
            api.prevent_close()
        }
        _ => {}
    }
}

static DISPLAYS: OnceLock<Mutex<tauri::AppHandle>> = OnceLock::new();

/// Counts displays through the window layer.
pub struct Displays;

impl DisplayPort for Displays {
    /// Sizes in pixels; `None` before the window layer is up.
    fn sizes(&self) -> Option<Vec<(u32, u32)>> {
        let app = DISPLAYS.get()?.lock().ok()?;
        let monitors = app.available_monitors().ok()?;
        Some(
            monitors
                .iter()
                .map(|monitor| (monitor.size().width, monitor.size().height))
                .collect(),
        )
    }
}
