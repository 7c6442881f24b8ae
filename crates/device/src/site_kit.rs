//! The site kit: what a site gets from its center by hand before anything else can be trusted. The root's public key,
//! the key directory that it signed, and where the center is.

use crate::durable_file;
use crate::equipment::PUBLIC_ADDRESSES;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::directory::{KeyDirectory, root_from_text};
use fengjuan_wire::{Signed, WireError};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;

const ROOT: &str = "root.pub";
const DIRECTORY: &str = "directory.cose";
const SITE: &str = "site.toml";
const LARGEST_FILE: u64 = 1024 * 1024;

/// A kit whose directory verified under its root.
#[derive(Clone, Debug)]
pub struct SiteKit {
    pub root: PublicKey,
    pub directory: KeyDirectory,
    /// The signed directory as received, for archives.
    pub directory_bytes: Vec<u8>,
    /// `https://host:port` of the upstream, without a slash at the end.
    pub url: String,
    /// This site's id.
    pub site: String,
    /// Addresses of the internet that must not answer, for the equipment check.
    pub internet_probes: Vec<SocketAddr>,
}

/// Why a kit is not usable.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("no site kit")]
    Missing,
    #[error("site kit file {0} cannot be read: {1}")]
    Io(&'static str, std::io::Error),
    #[error("site.toml: {0}")]
    Settings(String),
    #[error("key directory: {0}")]
    Directory(#[from] WireError),
    #[error("the new kit's root is another one than the one in use")]
    OtherRoot,
    #[error("the new kit is for site {found}, this terminal is of {known}")]
    OtherSite { found: String, known: String },
}

impl KitError {
    pub fn code(&self) -> &'static str {
        match self {
            KitError::Missing => "kit.missing",
            KitError::Io(..) => "kit.io",
            KitError::Settings(_) => "kit.settings",
            KitError::Directory(_) => "kit.directory",
            KitError::OtherRoot => "kit.other_root",
            KitError::OtherSite { .. } => "kit.other_site",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    site: String,
    /// The center's own choice, where the usual public services are not the right ones to ask.
    internet_probes: Option<Vec<SocketAddr>>,
}

impl SiteKit {
    /// Reads and verifies a kit folder.
    ///
    /// # Errors
    /// [`KitError::Missing`], [`KitError::Io`], [`KitError::Settings`], [`KitError::Directory`].
    pub fn read(dir: &Path) -> Result<SiteKit, KitError> {
        if !dir.join(ROOT).exists() {
            return Err(KitError::Missing);
        }
        let text = |name: &'static str| -> Result<String, KitError> {
            let bytes = read(dir, name)?;
            String::from_utf8(bytes).map_err(|_| KitError::Settings(format!("{name} is not text")))
        };
        let root = root_from_text(&text(ROOT)?)?;
        let directory_bytes = read(dir, DIRECTORY)?;
        let directory = KeyDirectory::verify(&root, &directory_bytes)?;
        let settings: Settings =
            toml::from_str(&text(SITE)?).map_err(|error| KitError::Settings(error.to_string()))?;
        let url = settings.url.trim_end_matches('/').to_owned();
        if !url.starts_with("https://") || url.len() <= "https://".len() {
            return Err(KitError::Settings(
                "url must begin with https://".to_owned(),
            ));
        }
        if settings.site.trim().is_empty() {
            return Err(KitError::Settings("site is empty".to_owned()));
        }
        Ok(SiteKit {
            root,
            directory,
            directory_bytes,
            url,
            site: settings.site,
            internet_probes: settings
                .internet_probes
                .unwrap_or_else(|| PUBLIC_ADDRESSES.to_vec()),
        })
    }

    /// The kit in use: the one of the data directory, taken over from `offered` at the first start. A kit that is
    /// offered later may bring a new address and a newer directory, but neither another root nor another site.
    ///
    /// # Errors
    /// As [`SiteKit::read`]; [`KitError::OtherRoot`] and [`KitError::OtherSite`] leave the kit in use as it is.
    pub fn adopt(data_dir: &Path, offered: Option<&Path>) -> Result<SiteKit, KitError> {
        let home = data_dir.join("kit");
        let known = match SiteKit::read(&home) {
            Err(KitError::Missing) => None,
            other => Some(other?),
        };
        let Some(offered) = offered else {
            return known.ok_or(KitError::Missing);
        };
        let mut new = SiteKit::read(offered)?;
        if let Some(known) = &known {
            if known.root != new.root {
                return Err(KitError::OtherRoot);
            }
            if known.site != new.site {
                return Err(KitError::OtherSite {
                    found: new.site,
                    known: known.site.clone(),
                });
            }
            if known.directory.serial > new.directory.serial {
                new.directory = known.directory.clone();
                new.directory_bytes = known.directory_bytes.clone();
            }
        }
        new.store(&home, offered)?;
        Ok(new)
    }

    fn store(&self, home: &Path, offered: &Path) -> Result<(), KitError> {
        std::fs::create_dir_all(home).map_err(|error| KitError::Io(ROOT, error))?;
        write(home, DIRECTORY, &self.directory_bytes)?;
        write(home, SITE, &read(offered, SITE)?)?;
        // The root goes last: a kit without it is no kit.
        write(home, ROOT, &read(offered, ROOT)?)
    }

    /// Takes over a directory that the center sent, where it verifies and is newer. True if it was taken.
    ///
    /// # Errors
    /// [`KitError::Directory`], [`KitError::Io`]; the kit is unchanged then.
    pub fn renew_directory(&mut self, data_dir: &Path, bytes: &[u8]) -> Result<bool, KitError> {
        let directory = KeyDirectory::verify(&self.root, bytes)?;
        if directory.serial <= self.directory.serial {
            return Ok(false);
        }
        write(&data_dir.join("kit"), DIRECTORY, bytes)?;
        self.directory = directory;
        self.directory_bytes = bytes.to_vec();
        Ok(true)
    }
}

fn read(dir: &Path, name: &'static str) -> Result<Vec<u8>, KitError> {
    durable_file::read_small(&dir.join(name), LARGEST_FILE)
        .map_err(|error| KitError::Io(name, error))
}

fn write(dir: &Path, name: &'static str, bytes: &[u8]) -> Result<(), KitError> {
    durable_file::replace(&dir.join(name), bytes).map_err(|error| KitError::Io(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_center::TestCenter;

    #[test]
    fn the_first_kit_is_taken_over_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (data, kit) = (dir.path().join("data"), dir.path().join("kit"));
        assert_eq!(
            SiteKit::adopt(&data, None).err().unwrap().code(),
            "kit.missing"
        );
        let center = TestCenter::new();
        center.write_kit(&kit, "https://127.0.0.1:1/", "S01");
        let first = SiteKit::adopt(&data, Some(&kit)).unwrap();
        assert_eq!(
            (first.url.as_str(), first.site.as_str()),
            ("https://127.0.0.1:1", "S01")
        );
        std::fs::remove_dir_all(&kit).unwrap();
        assert_eq!(
            SiteKit::adopt(&data, None).unwrap().directory,
            center.directory
        );
        center.write_kit(&kit, "https://127.0.0.1:2", "S01");
        assert_eq!(
            SiteKit::adopt(&data, Some(&kit)).unwrap().url,
            "https://127.0.0.1:2"
        );
    }

    #[test]
    fn another_root_another_site_and_a_false_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (data, kit, other) = (
            dir.path().join("d"),
            dir.path().join("k"),
            dir.path().join("o"),
        );
        let center = TestCenter::new();
        center.write_kit(&kit, "https://127.0.0.1:1", "S01");
        SiteKit::adopt(&data, Some(&kit)).unwrap();
        TestCenter::new().write_kit(&other, "https://127.0.0.1:1", "S01");
        assert_eq!(
            SiteKit::adopt(&data, Some(&other)).err().unwrap().code(),
            "kit.other_root"
        );
        center.write_kit(&kit, "https://127.0.0.1:1", "S02");
        assert_eq!(
            SiteKit::adopt(&data, Some(&kit)).err().unwrap().code(),
            "kit.other_site"
        );
        std::fs::copy(other.join(DIRECTORY), kit.join(DIRECTORY)).unwrap();
        assert_eq!(SiteKit::read(&kit).err().unwrap().code(), "kit.directory");
        center.write_kit(&kit, "http://127.0.0.1:1", "S01");
        assert_eq!(SiteKit::read(&kit).err().unwrap().code(), "kit.settings");
        assert_eq!(SiteKit::adopt(&data, None).unwrap().site, "S01");
    }

    #[test]
    fn only_a_newer_directory_of_the_same_root_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (data, kit) = (dir.path().join("data"), dir.path().join("kit"));
        let mut center = TestCenter::new();
        center.write_kit(&kit, "https://127.0.0.1:1", "S01");
        let mut used = SiteKit::adopt(&data, Some(&kit)).unwrap();
        assert!(
            !used
                .renew_directory(&data, &center.directory_bytes())
                .unwrap()
        );
        let stranger = TestCenter::new().directory_bytes();
        assert_eq!(
            used.renew_directory(&data, &stranger).err().unwrap().code(),
            "kit.directory"
        );
        center.directory.serial += 1;
        assert!(
            used.renew_directory(&data, &center.directory_bytes())
                .unwrap()
        );
        assert_eq!(
            SiteKit::adopt(&data, None).unwrap().directory.serial,
            center.directory.serial
        );
    }
}
