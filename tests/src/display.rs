//! A display for windows: the person's own where there is one and it was asked for, else Xvfb with a window manager,
//! because a full-screen request needs one.

use crate::process::{Running, run};
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

pub struct Display {
    /// Such as `:99`.
    pub name: String,
    server: Option<VirtualServer>,
}

struct VirtualServer {
    _window_manager: Running,
    server: std::process::Child,
}

impl Drop for VirtualServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Display {
    /// A virtual display of this size; the server picks a free number itself.
    pub fn virtual_one(width: u32, height: u32) -> anyhow::Result<Display> {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
                "-nolisten",
                "tcp",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting Xvfb")?;
        let mut number = String::new();
        let stdout = server.stdout.take().context("Xvfb's output")?;
        BufReader::new(stdout).read_line(&mut number)?;
        if number.trim().is_empty() {
            let _ = server.kill();
            bail!("Xvfb did not come up");
        }
        let name = format!(":{}", number.trim());
        let window_manager = Running::start(
            Command::new("openbox")
                .args(["--sm-disable"])
                .env("DISPLAY", &name)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        Ok(Display {
            name,
            server: Some(VirtualServer {
                _window_manager: window_manager,
                server,
            }),
        })
    }

    /// The display of whoever runs this.
    pub fn of_the_person(name: String) -> Display {
        Display { name, server: None }
    }

    /// Whether this run made it; a person's own shows more than this run, and is nothing to take pictures of.
    pub fn is_virtual(&self) -> bool {
        self.server.is_some()
    }

    /// What a person would see: the whole display as a PNG.
    pub fn picture(&self, path: &Path) -> anyhow::Result<()> {
        run(Command::new("import")
            .args(["-silent", "-window", "root", "-display", &self.name])
            .arg(path))?;
        Ok(())
    }
}
