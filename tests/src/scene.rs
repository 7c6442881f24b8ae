//! One terminal and its center, ready for whatever a journey is about.

use crate::center::Center;
use crate::display::Display;
use crate::kiosk::{Home, Kiosk, Start};
use crate::plan::{self, PROCTOR, SITTING, Terms};
use crate::process::root;
use crate::steps;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Scene {
    pub folder: PathBuf,
    pub center: Center,
    pub kiosk: Kiosk,
}

impl Scene {
    /// A center that serves the fixtures' banks and this plan, and a terminal at its first screen.
    pub async fn open(name: &str, size: (u32, u32), terms: &Terms) -> anyhow::Result<Scene> {
        let scene = Scene::prepare(name, size).await?;
        plan::prepare(
            &scene.center,
            &scene.folder,
            terms,
            &plan::four_candidates(),
        )?;
        Ok(scene)
    }

    /// The same without banks and plan. Pictures go to `out/journeys/<name>/<process id>/pictures`.
    pub async fn prepare(name: &str, size: (u32, u32)) -> anyhow::Result<Scene> {
        Scene::prepare_in(&Scene::folder_of(name), size).await
    }

    /// Where a journey of this name keeps everything.
    pub fn folder_of(name: &str) -> PathBuf {
        root()
            .join("out/journeys")
            .join(name)
            .join(std::process::id().to_string())
    }

    /// The same in a folder that may be there already.
    pub async fn prepare_in(folder: &Path, size: (u32, u32)) -> anyhow::Result<Scene> {
        let pictures = folder.join("screens");
        std::fs::create_dir_all(&pictures)?;
        let folder = folder.canonicalize()?;
        println!("pictures: {}", pictures.display());
        let mut center = Center::new(&folder)?;
        center.serve()?;
        let display = Arc::new(Display::virtual_one(size.0, size.1)?);
        let home = Home::new(folder.join("terminal"))?;
        let start = Start::terminal("考试机1", center.site_kit());
        let mut kiosk = Kiosk::open(display, home, start).await?;
        kiosk.keep_pictures(&pictures);
        Ok(Scene {
            folder,
            center,
            kiosk,
        })
    }

    /// Imports a bank of the journey's own for the electricians, and issues the sitting.
    pub async fn issue_with_bank(
        &self,
        terms: &Terms,
        bank: &Path,
        pictures: &Path,
    ) -> anyhow::Result<()> {
        plan::prepare_with(
            &self.center,
            &self.folder,
            terms,
            &plan::four_candidates(),
            bank,
            pictures,
        )
    }

    /// The day before and the morning up to the code: enrolled, papers held, code released.
    pub async fn ready(&self) -> anyhow::Result<Vec<String>> {
        steps::enrol(&self.kiosk, &self.center).await?;
        steps::open_desk(&self.kiosk, PROCTOR).await?;
        steps::pull(&self.kiosk).await?;
        steps::leave_desk(&self.kiosk).await?;
        self.center.release(SITTING)
    }

    pub async fn close(mut self) -> anyhow::Result<()> {
        self.kiosk.close().await?;
        self.center.stop()
    }
}
