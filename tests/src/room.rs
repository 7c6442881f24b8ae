//! A room with its management station: the center behind it, terminals in front of it, each the real app.

use crate::center::Center;
use crate::day::Stage;
use crate::kiosk::{Kiosk, Start, free_port};
use crate::plan::{self, PROCTOR, Seated, Terms};
use crate::{station, steps};
use std::path::PathBuf;

/// A terminal that the station has let in.
pub struct Placed {
    pub kiosk: Kiosk,
    /// The device's key, as the station's page names it.
    pub device: String,
}

pub struct Room {
    pub folder: PathBuf,
    pub center: Center,
    pub station: Kiosk,
    /// Where the station serves its terminals.
    pub url: String,
    /// By seat; the spare ones last.
    pub terminals: Vec<Placed>,
    pictures: PathBuf,
    kit: PathBuf,
}

impl Room {
    /// A center that serves, and a station that it has made its delegate.
    pub async fn open(stage: &Stage) -> anyhow::Result<Room> {
        let pictures = stage.folder.join("pictures");
        std::fs::create_dir_all(&pictures)?;
        let folder = stage.folder.canonicalize()?;
        let pictures = pictures.canonicalize()?;
        let mut center = Center::new(&folder)?;
        center.serve()?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let start = Start::station("考场管理机", center.site_kit(), listen.parse()?);
        let mut station = stage.open(folder.join("station"), start, 0).await?;
        station.keep_pictures(&pictures);
        let fingerprint = steps::ask_in(&station).await?;
        center.delegate(&fingerprint)?;
        steps::wait_off_screen(&station, "enrol").await?;
        let url = format!("https://{listen}");
        let kit = center.room_kit(&fingerprint, &url)?;
        Ok(Room {
            folder,
            center,
            station,
            url,
            terminals: Vec::new(),
            pictures,
            kit,
        })
    }

    /// The center issues the sitting, and the station pulls it. From then on people are known here by name.
    pub async fn issue_and_pull(&self, terms: &Terms, people: &[Seated]) -> anyhow::Result<()> {
        plan::prepare(&self.center, &self.folder, terms, people)?;
        station::pull(&self.station).await?;
        station::log_in(&self.station, PROCTOR).await
    }

    /// One more terminal, let in at the station by two people. Without a seat it is a spare.
    pub async fn furnish(&mut self, stage: &Stage, seat_no: Option<u32>) -> anyhow::Result<()> {
        let place = u32::try_from(self.terminals.len())? + 1;
        let name = match seat_no {
            Some(seat_no) => format!("考试机{seat_no}"),
            None => format!("备用机{place}"),
        };
        let home = self.folder.join(format!("terminal-{place}"));
        let start = Start::terminal(&name, self.kit.clone());
        let mut kiosk = stage.open(home, start, place).await?;
        kiosk.keep_pictures(&self.pictures);
        let fingerprint = steps::ask_in(&kiosk).await?;
        let device = station::approve(&self.station, &fingerprint, seat_no).await?;
        steps::wait_off_screen(&kiosk, "enrol").await?;
        self.terminals.push(Placed { kiosk, device });
        Ok(())
    }

    /// The windows are closed; the center's folder stays for whoever opens the results.
    pub async fn close(self) -> anyhow::Result<(Center, PathBuf)> {
        for placed in self.terminals {
            placed.kiosk.close().await?;
        }
        self.station.close().await?;
        let mut center = self.center;
        center.stop()?;
        Ok((center, self.folder))
    }

    pub fn kiosk(&self, place: usize) -> &Kiosk {
        &self.terminals[place].kiosk
    }
}
