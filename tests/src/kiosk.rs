//! One machine as its user meets it, a terminal or the room's station: the real app in a real window, with mouse and
//! keyboard through WebDriver.

use crate::display::Display;
use crate::process::{Running, descendants, program, signal, wait_for};
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use thirtyfour::prelude::*;

/// Where a run of the app keeps everything: its data directory and all folders that programs write to by habit.
#[derive(Clone)]
pub struct Home {
    pub folder: PathBuf,
}

impl Home {
    pub fn new(folder: PathBuf) -> anyhow::Result<Home> {
        for name in [
            "home", "config", "cache", "state", "share", "runtime", "tmp",
        ] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder.join("runtime"), owner_only)?;
        Ok(Home { folder })
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// HOME, XDG_* and TMPDIR all lie inside the folder, so that a scan of it misses nothing.
    pub fn apply(&self, command: &mut Command) {
        for (variable, name) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "share"),
            ("XDG_RUNTIME_DIR", "runtime"),
            ("TMPDIR", "tmp"),
        ] {
            command.env(variable, self.folder.join(name));
        }
    }
}

/// How to start the app.
#[derive(Clone)]
pub struct Start {
    pub name: String,
    pub site_kit: PathBuf,
    pub seat: Option<u32>,
    /// Where it serves the room, if it is the station.
    pub station: Option<SocketAddr>,
    /// `--windowed`, where several stand on one display.
    pub windowed: Option<String>,
}

impl Start {
    /// A terminal that fills its display.
    pub fn terminal(name: &str, site_kit: PathBuf) -> Start {
        Start {
            name: name.to_owned(),
            site_kit,
            seat: None,
            station: None,
            windowed: None,
        }
    }

    /// A management station that fills its display and serves terminals here.
    pub fn station(name: &str, site_kit: PathBuf, listen: SocketAddr) -> Start {
        Start {
            station: Some(listen),
            ..Start::terminal(name, site_kit)
        }
    }
}

pub struct Kiosk {
    pub name: String,
    pub display: std::sync::Arc<Display>,
    pub home: Home,
    start: Start,
    server: Running,
    driver: WebDriver,
    pictures: Option<PathBuf>,
}

/// Pictures of this run so far, of all its windows.
static PICTURES: AtomicUsize = AtomicUsize::new(0);

/// Several windows of the browser engine on two cores can be slow.
const PATIENCE: Duration = Duration::from_secs(90);

impl Kiosk {
    pub async fn open(
        display: std::sync::Arc<Display>,
        home: Home,
        start: Start,
    ) -> anyhow::Result<Kiosk> {
        let (server, driver) = session(&display, &home, &start).await?;
        Ok(Kiosk {
            name: start.name.clone(),
            display,
            home,
            start,
            server,
            driver,
            pictures: None,
        })
    }

    /// Pictures go to this folder, as `<number>-<name>-<what>.png`.
    pub fn keep_pictures(&mut self, folder: &Path) {
        self.pictures = Some(folder.to_path_buf());
    }

    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Process id of the app itself.
    pub fn app_pid(&self) -> anyhow::Result<u32> {
        let data = self.home.data().display().to_string();
        let found = descendants(self.server.id(), &data);
        found.first().copied().context("the app is not running")
    }

    /// Process id of what draws the page.
    pub fn page_pid(&self) -> anyhow::Result<u32> {
        let found = descendants(self.app_pid()?, "WebKitWebProcess");
        found.last().copied().context("nothing draws the page")
    }

    /// Kinds of the ledger's entries in their order, read beside the running app.
    pub fn entries(&self) -> anyhow::Result<Vec<String>> {
        let path = self.home.data().join("fengjuan.db");
        let database = rusqlite::Connection::open_with_flags(
            path,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )?;
        let mut kinds = database.prepare("SELECT kind FROM entries ORDER BY seq")?;
        let kinds = kinds.query_map([], |row| row.get(0))?;
        Ok(kinds.collect::<Result<_, _>>()?)
    }

    /// Pictures of candidates in the ledger.
    pub fn pictures_taken(&self) -> anyhow::Result<usize> {
        let entries = self.entries()?;
        let taken = entries.iter().filter(|kind| *kind == "exam.picture_taken");
        Ok(taken.count())
    }

    /// Kill −9, as a power cut or a crash would. The page's session is gone too.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let pid = self.app_pid()?;
        signal(pid, rustix::process::Signal::KILL)?;
        wait_for("the killed app", PATIENCE, || {
            !Path::new(&format!("/proc/{pid}/exe")).exists()
        })?;
        self.server.kill();
        Ok(())
    }

    /// Starts the app again on the same data.
    pub async fn reopen(&mut self) -> anyhow::Result<()> {
        let (server, driver) = session(&self.display, &self.home, &self.start).await?;
        let old = std::mem::replace(&mut self.driver, driver);
        // The old session died with its process; there is nothing to quit.
        let _ = old.leak();
        self.server = server;
        Ok(())
    }

    pub async fn close(self) -> anyhow::Result<()> {
        let Kiosk {
            driver,
            mut server,
            home,
            ..
        } = self;
        if let Some(pid) = descendants(server.id(), &home.data().display().to_string()).first() {
            signal(*pid, rustix::process::Signal::TERM)?;
            let pid = *pid;
            wait_for("the closed app", PATIENCE, || {
                !Path::new(&format!("/proc/{pid}/exe")).exists()
            })?;
        }
        let _ = driver.leak();
        server.kill();
        Ok(())
    }

    /// Name of the screen that the page shows.
    pub async fn screen(&self) -> anyhow::Result<String> {
        let script = "const root = document.querySelector('[data-screen]'); return root ? root.dataset.screen : '';";
        let name = self.driver.execute(script, Vec::new()).await?;
        Ok(name.json().as_str().unwrap_or_default().to_owned())
    }

    pub async fn wait_screen(&self, name: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let seen = self.screen().await?;
            if seen == name {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                self.emergency_picture("wrong-screen").await;
                bail!("{}: waited for screen {name}, still on {seen}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The element with this `data-test` name, once it is there.
    pub async fn part(&self, test: &str) -> anyhow::Result<WebElement> {
        let start = Instant::now();
        loop {
            match self
                .driver
                .find(By::Css(format!("[data-test=\"{test}\"]")))
                .await
            {
                Ok(element) => return Ok(element),
                Err(_) if start.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await
                }
                Err(error) => {
                    self.emergency_picture("missing-part").await;
                    let screen = self.screen().await.unwrap_or_default();
                    return Err(error)
                        .with_context(|| format!("{}: no {test} on screen {screen}", self.name));
                }
            }
        }
    }

    pub async fn has(&self, test: &str) -> anyhow::Result<bool> {
        Ok(!self
            .driver
            .find_all(By::Css(format!("[data-test=\"{test}\"]")))
            .await?
            .is_empty())
    }

    /// Waits until it can be clicked, then clicks it with the mouse.
    pub async fn click(&self, test: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let element = self.part(test).await?;
            let disabled = element
                .attr("aria-disabled")
                .await
                .unwrap_or(None)
                .as_deref()
                == Some("true");
            let enabled = element.is_enabled().await.unwrap_or(false) && !disabled;
            let problem = if enabled {
                match element.click().await {
                    Ok(()) => return Ok(()),
                    Err(error) => error.to_string(),
                }
            } else {
                "it is disabled".to_owned()
            };
            if start.elapsed() > PATIENCE {
                self.emergency_picture("cannot-click").await;
                bail!("{}: cannot click {test}: {problem}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn type_in(&self, test: &str, words: &str) -> anyhow::Result<()> {
        let element = self.part(test).await?;
        element.clear().await.ok();
        Ok(element.send_keys(words).await?)
    }

    pub async fn text(&self, test: &str) -> anyhow::Result<String> {
        let element = self.part(test).await?;
        Ok(element.text().await?)
    }

    /// Waits until a part's text holds `words`.
    pub async fn wait_text(&self, test: &str, words: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let text = self.text(test).await.unwrap_or_default();
            if text.contains(words) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                self.emergency_picture("wrong-text").await;
                bail!("{}: {test} says {text:?}, not {words:?}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn wait_attr(&self, test: &str, attribute: &str, value: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let seen = self.part(test).await?.attr(attribute).await.unwrap_or(None);
            if seen.as_deref() == Some(value) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                self.emergency_picture("wrong-attribute").await;
                bail!(
                    "{}: {test}'s {attribute} is {seen:?}, not {value:?}",
                    self.name
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A picture, where pictures are kept: of the whole virtual display, or of the page alone where the display is a
    /// person's own. There the day goes on even if no picture can be taken.
    pub async fn picture(&self, what: &str) -> anyhow::Result<()> {
        let Some(folder) = &self.pictures else {
            return Ok(());
        };
        let number = PICTURES.fetch_add(1, Ordering::Relaxed) + 1;
        let path = folder.join(format!("{number:02}-{}-{what}.png", self.name));
        if self.display.is_virtual() {
            self.painted().await?;
            return self.display.picture(&path);
        }
        if let Err(error) = self.driver.screenshot(&path).await {
            println!("没有图片 · no picture {}: {error}", path.display());
        }
        Ok(())
    }

    /// Two frames later whatever the page holds now has been painted.
    async fn painted(&self) -> anyhow::Result<()> {
        let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));";
        self.driver.execute_async(painted, Vec::new()).await?;
        Ok(())
    }

    async fn emergency_picture(&self, what: &str) {
        let _ = self.picture(&format!("FAILED-{what}")).await;
    }
}

/// Waits until something is so. The deadline is an error that names what was waited for.
pub async fn wait_until(
    what: &str,
    mut so: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !so().await? {
        if start.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Where the display's key is: programs look below HOME for it, and the app gets another HOME.
fn display_key() -> Option<PathBuf> {
    let named = std::env::var_os("XAUTHORITY").filter(|path| !path.is_empty());
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(".Xauthority"));
    let path = named.map(PathBuf::from).or_else(usual)?;
    path.is_file().then_some(path)
}

async fn session(
    display: &Display,
    home: &Home,
    start: &Start,
) -> anyhow::Result<(Running, WebDriver)> {
    // The WebDriver client is built on a TLS library, which wants its provider named even for plain loopback calls.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let port = free_port()?;
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.folder.join("app.log"))?;
    let mut command = Command::new("WebKitWebDriver");
    command
        .arg(format!("--port={port}"))
        .arg("--host=127.0.0.1");
    command
        .env("DISPLAY", &display.name)
        .env("TAURI_WEBVIEW_AUTOMATION", "true")
        .env("GDK_BACKEND", "x11");
    command
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::null())
        .stderr(log);
    home.apply(&mut command);
    if let Some(key) = display_key() {
        command.env("XAUTHORITY", key);
    }
    let server = Running::start(&mut command)?;
    wait_for("the WebDriver server", PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    let mut args = vec!["--data".to_owned(), home.data().display().to_string()];
    args.extend([
        "--site-kit".to_owned(),
        start.site_kit.display().to_string(),
    ]);
    if let Some(seat) = start.seat {
        args.extend(["--seat".to_owned(), seat.to_string()]);
    }
    if let Some(listen) = start.station {
        let listen = listen.to_string();
        args.extend(["--station", "--listen", &listen].map(str::to_owned));
    }
    if let Some(placement) = &start.windowed {
        args.extend(["--windowed".to_owned(), placement.clone()]);
    }
    let mut capabilities = Capabilities::new();
    let options = serde_json::json!({ "binary": program("fengjuan")?, "args": args });
    capabilities.set("webkitgtk:browserOptions", options)?;
    let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
    Ok((server, driver))
}

/// A port of this machine that nobody uses.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}
