//! Time to the first painted screen and memory on the exam screen, beside an empty window of the same engine.

use super::{answer, line, percentile};
use crate::process::{Running, program, wait_for};
use anyhow::{Context, ensure};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 7;
const SIZE: (usize, usize) = (1366, 768);

pub async fn run(folder: &Path) -> anyhow::Result<()> {
    let frame_buffer = folder.join("frame-buffer");
    std::fs::create_dir_all(&frame_buffer)?;
    let screen = Screen::new(&frame_buffer)?;
    let (mut empty, mut own, mut empty_memory) = (Vec::new(), Vec::new(), Vec::new());
    let kit = crate::center::Center::new(&folder.join("window-center-home"))?.site_kit();
    for run in 0..=RUNS {
        let mut command = Command::new(program("examples/empty_window")?);
        let blank = screen.time_to(
            &mut command,
            &folder.join(format!("empty-{run}")),
            Screen::is_white,
        )?;
        let mut command = Command::new(program("fengjuan")?);
        let home = folder.join(format!("own-{run}"));
        command
            .arg("--data")
            .arg(home.join("data"))
            .arg("--site-kit")
            .arg(&kit);
        let painted = screen.time_to(&mut command, &home, Screen::has_blue)?;
        // The first pair warms the disk cache and is not counted.
        if run > 0 {
            empty.push(blank.millis);
            own.push(painted.millis);
            empty_memory.push(blank.pss_mb);
        }
    }
    let (empty, own) = (percentile(&mut empty, 0.5), percentile(&mut own, 0.5));
    line("window.empty.paint.p50", empty, "ms");
    line("window.first_screen.paint.p50", own, "ms");
    line("window.first_screen.ratio", own / empty, "x");
    let empty_memory = percentile(&mut empty_memory, 0.5);
    let exam = answer::exam_screen(&folder.join("window-exam")).await?;
    let pid = exam.kiosk.app_pid()?;
    let exam_memory = pss_mb(pid)?;
    line("window.empty.pss", empty_memory, "MB");
    line("window.exam_screen.pss", exam_memory, "MB");
    line(
        "window.exam_screen.pss.app",
        pss_of(pid)?.unwrap_or(f64::NAN),
        "MB",
    );
    line("window.exam_screen.ratio", exam_memory / empty_memory, "x");
    exam.kiosk.close().await
}

struct Painted {
    millis: f64,
    pss_mb: f64,
}

/// A virtual display whose pixels lie in a file that can be read at any moment.
struct Screen {
    name: String,
    pixels: std::fs::File,
    _server: Running,
    _window_manager: Running,
}

impl Screen {
    fn new(folder: &Path) -> anyhow::Result<Screen> {
        let number = (90..200)
            .find(|number| !Path::new(&format!("/tmp/.X11-unix/X{number}")).exists())
            .context("a free display number")?;
        let name = format!(":{number}");
        let mut command = Command::new("Xvfb");
        command.arg(&name).args([
            "-screen",
            "0",
            &format!("{}x{}x24", SIZE.0, SIZE.1),
            "-nolisten",
            "tcp",
            "-fbdir",
        ]);
        let server = Running::start(command.arg(folder).stderr(Stdio::null()))?;
        let file = folder.join("Xvfb_screen0");
        wait_for("the virtual display", Duration::from_secs(10), || {
            file.exists() && Path::new(&format!("/tmp/.X11-unix/X{number}")).exists()
        })?;
        let window_manager = Running::start(
            Command::new("openbox")
                .env("DISPLAY", &name)
                .stderr(Stdio::null()),
        )?;
        Ok(Screen {
            name,
            pixels: std::fs::File::open(file)?,
            _server: server,
            _window_manager: window_manager,
        })
    }

    /// Starts a program and measures until the picture satisfies `painted`; then its memory; then ends it.
    fn time_to(
        &self,
        command: &mut Command,
        home: &Path,
        painted: fn(&[u8]) -> bool,
    ) -> anyhow::Result<Painted> {
        let home = crate::kiosk::Home::new(home.to_path_buf())?;
        home.apply(command);
        command
            .env("DISPLAY", &self.name)
            .env("GDK_BACKEND", "x11")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        wait_for("an empty display", Duration::from_secs(10), || {
            self.frame().is_ok_and(|frame| is_dark(&frame))
        })?;
        let begun = Instant::now();
        let mut program = Running::start(command)?;
        let what = format!("the first picture of {}", command.get_program().display());
        wait_for(&what, Duration::from_secs(30), || {
            self.frame().is_ok_and(|frame| painted(&frame)) || !program.is_running()
        })?;
        let millis = begun.elapsed().as_secs_f64() * 1000.0;
        ensure!(program.is_running(), "{command:?} ended before it painted");
        let pss_mb = pss_mb(program.id())?;
        program.kill();
        Ok(Painted { millis, pss_mb })
    }

    /// The display's pixels, four bytes each (blue, green, red, unused), behind the XWD header.
    fn frame(&self) -> anyhow::Result<Vec<u8>> {
        let mut head = [0u8; 80];
        self.pixels.read_exact_at(&mut head, 0)?;
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let start = u64::from(word(0)) + u64::from(word(76)) * 12;
        let mut frame = vec![0; SIZE.0 * SIZE.1 * 4];
        self.pixels.read_exact_at(&mut frame, start)?;
        Ok(frame)
    }

    /// An empty page is white all over.
    fn is_white(frame: &[u8]) -> bool {
        is_all(frame, [255, 255, 255])
    }

    /// The app's first screen shows its mark and its one action in blue (#0B4DA2).
    fn has_blue(frame: &[u8]) -> bool {
        pixels(frame)
            .filter(|pixel| *pixel == [0xA2, 0x4D, 0x0B])
            .take(300)
            .count()
            == 300
    }
}

fn pixels(frame: &[u8]) -> impl Iterator<Item = [u8; 3]> + '_ {
    frame
        .chunks_exact(4)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]])
}

fn is_dark(frame: &[u8]) -> bool {
    is_all(frame, [0, 0, 0])
}

/// One colour but for the mouse pointer, which is in the picture too.
fn is_all(frame: &[u8], colour: [u8; 3]) -> bool {
    let looked_at = SIZE.0 * SIZE.1 / 97;
    let others = pixels(frame)
        .step_by(97)
        .filter(|pixel| *pixel != colour)
        .take(looked_at / 100 + 1)
        .count();
    others <= looked_at / 100
}

/// Proportional set size of a process and all below it: shared pages are counted once over all who share them.
pub fn pss_mb(pid: u32) -> anyhow::Result<f64> {
    let mut family = vec![pid];
    family.extend(crate::process::descendants(pid, ""));
    let mut sum = 0.0;
    for member in family {
        sum += pss_of(member)?.unwrap_or(0.0);
    }
    Ok(sum)
}

/// The same of one process; `None` where it has ended.
fn pss_of(pid: u32) -> anyhow::Result<Option<f64>> {
    let Ok(rollup) = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
        return Ok(None);
    };
    let Some(pss) = rollup.lines().find_map(|row| row.strip_prefix("Pss:")) else {
        return Ok(None);
    };
    let kib: f64 = pss.trim().trim_end_matches("kB").trim().parse()?;
    Ok(Some(kib / 1024.0))
}
