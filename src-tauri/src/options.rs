//! Command line of the app. Everything has a default that fits a kiosk: full screen, the data directory of the user.

use anyhow::{Context, bail};
use fengjuan_terminal::controller::Config;
use std::path::PathBuf;

const USAGE: &str =
    "fengjuan [--data DIR] [--site-kit DIR] [--seat NUMBER] [--windowed WIDTHxHEIGHT+X+Y]";

/// How the program was started.
pub struct Options {
    data_dir: PathBuf,
    site_kit: Option<PathBuf>,
    seat_no: Option<u32>,
    /// A demonstration shows several terminals beside each other on one display.
    pub windowed: Option<Placement>,
}

/// Where a window stands on the display, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    pub width: u32,
    pub height: u32,
    pub x: i32,
    pub y: i32,
}

impl Options {
    pub fn from_args() -> anyhow::Result<Options> {
        Options::parse(std::env::args().skip(1))
    }

    fn parse(mut args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options {
            data_dir: default_data_dir()?,
            site_kit: None,
            seat_no: None,
            windowed: None,
        };
        while let Some(flag) = args.next() {
            let value = args
                .next()
                .with_context(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--data" => options.data_dir = PathBuf::from(value),
                "--site-kit" => options.site_kit = Some(PathBuf::from(value)),
                "--seat" => options.seat_no = Some(value.parse().context("--seat needs a number")?),
                "--windowed" => options.windowed = Some(Placement::parse(&value).context(USAGE)?),
                _ => bail!("unknown option {flag}\n{USAGE}"),
            }
        }
        Ok(options)
    }

    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    pub fn config(&self) -> Config {
        Config {
            data_dir: self.data_dir.clone(),
            site_kit: self.site_kit.clone(),
            seat_no: self.seat_no,
        }
    }
}

impl Placement {
    /// `1366x768` or `1366x768+0+0`.
    fn parse(text: &str) -> Option<Placement> {
        let mut parts = text.split('+');
        let (width, height) = parts.next()?.split_once('x')?;
        let x = parts.next().map_or(Some(0), |x| x.parse().ok())?;
        let y = parts.next().map_or(Some(0), |y| y.parse().ok())?;
        if parts.next().is_some() {
            return None;
        }
        Some(Placement {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            x,
            y,
        })
    }
}

fn default_data_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XDG_DATA_HOME") {
        return Ok(PathBuf::from(dir).join("fengjuan"));
    }
    let home = std::env::var_os("HOME")
        .context("neither XDG_DATA_HOME nor HOME is set; use --data DIR")?;
    Ok(PathBuf::from(home).join(".local/share/fengjuan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> anyhow::Result<Options> {
        Options::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn options_are_read_and_wrong_ones_refused() {
        let options = parse(&[
            "--data",
            "/d",
            "--seat",
            "23",
            "--windowed",
            "1366x768+10+20",
        ])
        .unwrap();
        assert_eq!(options.data_dir, PathBuf::from("/d"));
        assert_eq!(options.seat_no, Some(23));
        assert_eq!(
            options.windowed,
            Some(Placement {
                width: 1366,
                height: 768,
                x: 10,
                y: 20
            })
        );
        for wrong in [
            &["--seat", "x"][..],
            &["--data"],
            &["--windowed", "1366"],
            &["--unknown", "1"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
