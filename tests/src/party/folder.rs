//! Where a room keeps everything: gone with the test, but kept where the test fails.

use std::path::Path;
use tempfile::TempDir;

pub struct Folder(Option<TempDir>);

impl Folder {
    pub fn new() -> anyhow::Result<Folder> {
        let folder = tempfile::Builder::new().prefix("room-").tempdir()?;
        Ok(Folder(Some(folder)))
    }

    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take().filter(|_| std::thread::panicking()) {
            eprintln!("kept: {}", folder.keep().display());
        }
    }
}
