//! Command line of the app. Everything has a default that fits a kiosk: full screen, the data directory of the user.

use anyhow::{Context, bail};
use fengjuan_hub::Config as HubConfig;
use fengjuan_terminal::controller::Config;
use std::net::SocketAddr;
use std::path::PathBuf;

const USAGE: &str =
    "fengjuan [--data DIR] [--site-kit DIR] [--windowed WIDTHxHEIGHT+X+Y] [--seat NUMBER]
fengjuan --station [--listen ADDRESS] [--hub-name NAME] [--standby] [--data DIR] [--site-kit DIR] \
    [--windowed WIDTHxHEIGHT+X+Y]";

/// Where a station serves its terminals unless it is told otherwise.
const LISTEN: &str = "0.0.0.0:8443";

/// How the program was started.
pub struct Options {
    data_dir: PathBuf,
    site_kit: Option<PathBuf>,
    seat_no: Option<u32>,
    /// The room's management station rather than a terminal.
    pub station: bool,
    listen: SocketAddr,
    hub_name: String,
    standby: bool,
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
        let mut data_dir = None;
        let mut options = Options {
            data_dir: PathBuf::new(),
            site_kit: None,
            seat_no: None,
            station: false,
            listen: LISTEN.parse()?,
            hub_name: String::new(),
            standby: false,
            windowed: None,
        };
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--station" => options.station = true,
                "--standby" => options.standby = true,
                "--data" => data_dir = Some(PathBuf::from(value(&flag, &mut args)?)),
                _ => options.set(&flag, &value(&flag, &mut args)?)?,
            }
        }
        if options.station && options.seat_no.is_some() {
            bail!("a station has no seat\n{USAGE}");
        }
        options.data_dir = match data_dir {
            Some(data_dir) => data_dir,
            None => default_data_dir(options.station)?,
        };
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: &str) -> anyhow::Result<()> {
        match flag {
            "--site-kit" => self.site_kit = Some(PathBuf::from(value)),
            "--seat" => self.seat_no = Some(value.parse().context("--seat needs a number")?),
            "--listen" => self.listen = value.parse().context("--listen needs an address")?,
            "--hub-name" => value.clone_into(&mut self.hub_name),
            "--windowed" => self.windowed = Some(Placement::parse(value).context(USAGE)?),
            _ => bail!("unknown option {flag}\n{USAGE}"),
        }
        Ok(())
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

    pub fn hub_config(&self) -> HubConfig {
        HubConfig {
            data_dir: self.data_dir.clone(),
            site_kit: self.site_kit.clone(),
            listen: self.listen,
            hub_name: self.hub_name.clone(),
            standby: self.standby,
        }
    }
}

fn value(flag: &str, args: &mut impl Iterator<Item = String>) -> anyhow::Result<String> {
    args.next()
        .with_context(|| format!("{flag} needs a value\n{USAGE}"))
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

fn default_data_dir(station: bool) -> anyhow::Result<PathBuf> {
    let name = if station {
        "fengjuan-station"
    } else {
        "fengjuan"
    };
    if let Some(dir) = std::env::var_os("XDG_DATA_HOME") {
        return Ok(PathBuf::from(dir).join(name));
    }
    let home = std::env::var_os("HOME")
        .context("neither XDG_DATA_HOME nor HOME is set; use --data DIR")?;
    Ok(PathBuf::from(home).join(".local/share").join(name))
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
        let station = [
            "--station",
            "--standby",
            "--listen",
            "10.0.0.2:8443",
            "--data",
            "/d",
        ];
        let station = parse(&station).unwrap();
        assert!(station.station && station.hub_config().standby);
        assert_eq!(station.hub_config().listen.port(), 8443);
        for wrong in [
            &["--seat", "x"][..],
            &["--station", "--seat", "1"],
            &["--listen", "here"],
            &["--data"],
            &["--windowed", "1366"],
            &["--unknown", "1"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
