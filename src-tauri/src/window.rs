//! The kiosk window: full screen, undecorated, on top, with no way to another page. Losing focus is an event. A station's
//! window is an ordinary one, as large as the display, from which a door list can be printed.

use crate::options::Placement;
use crate::page::Page;
use crate::role::Role;
use fengjuan_terminal::controller::{DisplayPort, WindowEvent};
use std::sync::{Arc, Mutex, OnceLock};
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

/// The label that the terminal's capability file names, and that of the station's.
const KIOSK: &str = "kiosk";
const STATION: &str = "station";

/// Where the page comes from.
const PAGE: &str = "tauri://localhost";

/// The one window of this program.
fn label(page: &Page) -> &'static str {
    if page.options.station { STATION } else { KIOSK }
}

fn window(app: &AppHandle) -> Option<tauri::WebviewWindow> {
    let page = app.try_state::<Arc<Page>>()?;
    app.get_webview_window(label(&page))
}

/// Opens the one window.
pub fn open(app: &AppHandle, page: &Arc<Page>) -> tauri::Result<()> {
    let options = &page.options;
    DISPLAYS.get_or_init(|| Mutex::new(app.clone()));
    // The engine's own folder lies in the data directory, where the scan for readable paper looks too.
    let mut builder = WebviewWindowBuilder::new(app, label(page), WebviewUrl::default())
        .title("封卷")
        .data_directory(options.data_dir().join("webview"))
        .decorations(options.station)
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
        None if options.station => builder.maximized(true),
        None => builder
            .fullscreen(true)
            .always_on_top(true)
            .closable(false)
            .minimizable(false),
    };
    let window = builder.build()?;
    let page = Arc::clone(page);
    let prints = options.station;
    window.with_webview(move |webview| {
        harden(&webview, prints);
        report_to(&webview, page);
    })?;
    Ok(())
}

/// Loads the page again, in the process that is there or in a new one.
pub fn load(app: &AppHandle, in_new_process: bool) -> tauri::Result<()> {
    use webkit2gtk::WebViewExt;
    let Some(window) = window(app) else {
        app.state::<Arc<Page>>().set_renewing(true);
        return Ok(());
    };
    window.with_webview(move |webview| {
        let view = webview.inner();
        if in_new_process {
            view.terminate_web_process();
        }
        view.load_uri(PAGE);
    })
}

/// Closes the window for another one, which [`open_again`] opens when this one is gone.
pub fn renew(app: &AppHandle) -> tauri::Result<()> {
    app.state::<Arc<Page>>().set_renewing(true);
    match window(app) {
        Some(window) => window.destroy(),
        None => Ok(()),
    }
}

/// Opens the window again once the old one is gone.
pub fn open_again(app: &AppHandle) {
    let page = app.state::<Arc<Page>>();
    if !page.is_renewing() || window(app).is_some() {
        return;
    }
    match open(app, &page) {
        Ok(()) => page.set_renewing(false),
        Err(error) => tracing::error!(%error, "the window could not be opened again"),
    }
}

/// Tells when the process that draws the page has ended.
fn report_to(webview: &tauri::webview::PlatformWebview, page: Arc<Page>) {
    use webkit2gtk::{WebProcessTerminationReason, WebViewExt};
    let view = webview.inner();
    view.connect_web_process_terminated(move |_, reason| {
        // One that this program ended has its successor already.
        if reason != WebProcessTerminationReason::TerminatedByApi {
            page.process_ended();
        }
    });
}

/// What the builder cannot say: no disk cache, no menus, no gestures.
fn harden(webview: &tauri::webview::PlatformWebview, prints: bool) {
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
    view.connect_print(move |_, _| !prints);
}

/// Tells the terminal or the station what happened to the window.
pub fn observe(window: &tauri::Window, event: &tauri::WindowEvent) {
    let Some(role) = window.try_state::<Role>() else {
        return;
    };
    match event {
        tauri::WindowEvent::Focused(true) => role.window_event(WindowEvent::FocusBack),
        tauri::WindowEvent::Focused(false) => role.window_event(WindowEvent::FocusLost),
        tauri::WindowEvent::CloseRequested { api, .. } if !role.may_close() => api.prevent_close(),
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
