//! The home folder: `keys/`, `center.db`, `objects/` (what sites fetch), `received/` (what they sent), `root.pub`
//! and `directory.cose`.

use crate::keys::{self, KeyFiles};
use crate::{CenterError, database, files};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::directory::{self, KeyDirectory};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// An initialised center.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
    root: PublicKey,
    directory: KeyDirectory,
}

impl Home {
    /// Makes keys, database and folders. Refuses a folder that already holds any of them.
    pub fn init(path: &Path, center_id: &str, center_name: &str) -> Result<Home, CenterError> {
        files::check_name("center id", center_id)?;
        if center_name.trim().is_empty() {
            return Err(CenterError::Missing("center name"));
        }
        for name in ["keys", "center.db", "root.pub", "directory.cose"] {
            if path.join(name).exists() {
                return Err(CenterError::AlreadyInitialised(path.to_owned()));
            }
        }
        files::make_private_folder(path)?;
        for folder in ["objects", "received", "received/parts"] {
            files::make_private_folder(&path.join(folder))?;
        }
        let keys = KeyFiles::new(path);
        let directory = keys.create(center_id, center_name.trim(), crate::now_ms())?;
        let root = keys.signing(keys::KeyRole::Root)?.public();
        database::create(&path.join("center.db"))?;
        files::replace(&path.join("directory.cose"), &directory)?;
        // The public root comes last: a home without it counts as not initialised.
        files::replace(
            &path.join("root.pub"),
            directory::root_to_text(&root).as_bytes(),
        )?;
        Home::open(path)
    }

    pub fn open(path: &Path) -> Result<Home, CenterError> {
        let root_file = path.join("root.pub");
        if !root_file.exists() {
            return Err(CenterError::NotInitialised(path.to_owned()));
        }
        let text = fs::read_to_string(&root_file).map_err(CenterError::io(&root_file))?;
        let root = directory::root_from_text(&text)?;
        let file = path.join("directory.cose");
        let bytes = fs::read(&file).map_err(CenterError::io(&file))?;
        let directory = keys::verified_directory(&root, &bytes)?;
        Ok(Home {
            path: path.to_owned(),
            root,
            directory,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
    pub fn root(&self) -> PublicKey {
        self.root
    }
    pub fn directory(&self) -> &KeyDirectory {
        &self.directory
    }
    pub fn keys(&self) -> KeyFiles {
        KeyFiles::new(&self.path)
    }
    pub fn database(&self) -> Result<Connection, CenterError> {
        database::open(&self.path.join("center.db"))
    }
    /// The signed directory as sites get it.
    pub fn directory_bytes(&self) -> Result<Vec<u8>, CenterError> {
        let file = self.path.join("directory.cose");
        fs::read(&file).map_err(CenterError::io(&file))
    }
    /// A file that sites fetch.
    pub fn object(&self, hash: &Hash32) -> PathBuf {
        self.path.join("objects").join(hash.hex())
    }
    /// A whole sealed object that a site sent.
    pub fn received(&self, hash: &Hash32) -> PathBuf {
        self.path.join("received").join(hash.hex())
    }
    pub(crate) fn received_part(&self, hash: &Hash32, device: &PublicKey) -> PathBuf {
        let device = &device.to_hex()[..16];
        self.path
            .join("received/parts")
            .join(format!("{}.{device}", hash.hex()))
    }

    /// Writes the site kit: the public root, the signed directory, and where the center is.
    ///
    /// # Errors
    /// [`CenterError::OutOfRange`] for an address that is no https one; names; I/O errors.
    pub fn write_kit(&self, folder: &Path, of: &KitSite) -> Result<(), CenterError> {
        files::check_name("site", of.site)?;
        for url in std::iter::once(of.url).chain(of.hub_urls.iter().map(String::as_str)) {
            check_url(url)?;
        }
        fs::create_dir_all(folder).map_err(CenterError::io(folder))?;
        files::replace(
            &folder.join("root.pub"),
            directory::root_to_text(&self.root).as_bytes(),
        )?;
        files::replace(&folder.join("directory.cose"), &self.directory_bytes()?)?;
        files::replace(&folder.join("site.toml"), of.settings().as_bytes())
    }
}

/// What a kit says of its site.
#[derive(Clone, Copy, Debug)]
pub struct KitSite<'a> {
    /// The center's address.
    pub url: &'a str,
    pub site: &'a str,
    /// The room's hub, then those that may take over from it; none where machines talk to the center.
    pub hub_urls: &'a [String],
}

impl KitSite<'_> {
    fn settings(&self) -> String {
        let KitSite { url, site, .. } = self;
        let mut text = format!("url = \"{url}\"\nsite = \"{site}\"\n");
        if let Some((first, others)) = self.hub_urls.split_first() {
            let others: Vec<String> = others.iter().map(|url| format!("\"{url}\"")).collect();
            let others = others.join(", ");
            text += &format!("\n[hub]\nurl = \"{first}\"\nstandby = [{others}]\n");
        }
        text
    }
}

fn check_url(url: &str) -> Result<(), CenterError> {
    if !url.starts_with("https://") || url.contains(['"', '\\', '\n']) {
        return Err(CenterError::OutOfRange { what: "url" });
    }
    Ok(())
}
