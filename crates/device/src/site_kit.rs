//! The site kit: what a site gets from its center by hand before anything else can be trusted. The root's public key,
//! the key directory that it signed, where the center is, and where the site's hub is if it has one.

mod hub;

pub use hub::{HubAddress, HubAddressError, HubKit};

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
/// The delegation that the center gave along.
const DELEGATION: &str = "hub.cose";
/// The hub that somebody at the site named, as the text of its QR code.
const NAMED_HUB: &str = "hub.txt";
const LARGEST_FILE: u64 = 1024 * 1024;

/// A kit whose directory verified under its root.
#[derive(Clone, Debug)]
pub struct SiteKit {
    pub root: PublicKey,
    pub directory: KeyDirectory,
    /// The signed directory as received, for archives.
    pub directory_bytes: Vec<u8>,
    /// `https://host:port` of the center, without a slash at the end.
    pub url: String,
    /// The room's hub, which stands between this machine and the center; none in direct mode.
    pub hub: Option<HubKit>,
    /// This site's id.
    pub site: String,
    /// Addresses of the internet that must not answer, for the equipment check.
    pub internet_probes: Vec<SocketAddr>,
    /// Whether hubs say on the local network where they are, and terminals listen for them.
    pub discovery: bool,
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
    /// False: nothing is said on the local network; hubs are found by their addresses alone.
    discovery: Option<bool>,
    hub: Option<HubSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubSettings {
    url: String,
    /// Hubs that may take over from it.
    #[serde(default)]
    standby: Vec<String>,
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
        let url = checked_url(&settings.url)?;
        let hub = hub_kit(dir, settings.hub)?;
        if settings.site.trim().is_empty() {
            return Err(KitError::Settings("site is empty".to_owned()));
        }
        Ok(SiteKit {
            root,
            directory,
            directory_bytes,
            url,
            hub,
            site: settings.site,
            internet_probes: settings
                .internet_probes
                .unwrap_or_else(|| PUBLIC_ADDRESSES.to_vec()),
            discovery: settings.discovery.unwrap_or(true),
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
        SiteKit::read(&home)
    }

    /// Somebody at the site names the hub, by its QR code or by typing: it goes before the kit's own, from the next
    /// start on.
    ///
    /// # Errors
    /// [`KitError::Io`].
    pub fn name_hub(data_dir: &Path, hub: &HubAddress) -> Result<(), KitError> {
        write(&data_dir.join("kit"), NAMED_HUB, hub.to_text().as_bytes())
    }

    fn store(&self, home: &Path, offered: &Path) -> Result<(), KitError> {
        std::fs::create_dir_all(home).map_err(|error| KitError::Io(ROOT, error))?;
        write(home, DIRECTORY, &self.directory_bytes)?;
        write(home, SITE, &read(offered, SITE)?)?;
        if offered.join(DELEGATION).exists() {
            write(home, DELEGATION, &read(offered, DELEGATION)?)?;
        }
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

fn checked_url(text: &str) -> Result<String, KitError> {
    hub::upstream_url(text).ok_or_else(|| {
        KitError::Settings("url must be https://host:port and nothing more".to_owned())
    })
}

/// The hubs of a kit: the one that was named at the site first.
fn hub_kit(dir: &Path, settings: Option<HubSettings>) -> Result<Option<HubKit>, KitError> {
    let mut addresses = Vec::new();
    if dir.join(NAMED_HUB).exists() {
        let named = read(dir, NAMED_HUB)?;
        match HubAddress::parse(&String::from_utf8_lossy(&named)) {
            Ok(named) => addresses.push(named),
            // The kit's own hubs are still there.
            Err(error) => tracing::warn!(code = error.code(), "the named hub is left out"),
        }
    }
    for url in settings
        .iter()
        .flat_map(|hub| std::iter::once(&hub.url).chain(&hub.standby))
    {
        let url = checked_url(url)?;
        if addresses.iter().all(|known: &HubAddress| known.url != url) {
            addresses.push(HubAddress {
                url,
                fingerprint: None,
            });
        }
    }
    if addresses.is_empty() {
        return Ok(None);
    }
    let delegation = match dir.join(DELEGATION).exists() {
        true => Some(read(dir, DELEGATION)?),
        false => None,
    };
    Ok(Some(HubKit {
        addresses,
        delegation,
    }))
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
    fn a_hub_is_named_by_the_kit_or_at_the_site_and_stays_over_a_new_kit() {
        let dir = tempfile::tempdir().unwrap();
        let (data, kit) = (dir.path().join("data"), dir.path().join("kit"));
        let center = TestCenter::new();
        center.write_kit(&kit, "https://127.0.0.1:1", "S01");
        assert_eq!(SiteKit::adopt(&data, Some(&kit)).unwrap().hub, None);
        let site = std::fs::read_to_string(kit.join(SITE)).unwrap();
        let hub = "\n[hub]\nurl = \"https://127.0.0.1:2/\"\nstandby = [\"https://127.0.0.1:3\"]\n";
        std::fs::write(kit.join(SITE), format!("{site}{hub}")).unwrap();
        std::fs::write(kit.join(DELEGATION), b"signed").unwrap();
        SiteKit::adopt(&data, Some(&kit)).unwrap();
        let urls = |kit: &SiteKit| -> Vec<String> {
            let hub = kit.hub.as_ref().unwrap();
            hub.addresses.iter().map(|hub| hub.url.clone()).collect()
        };
        let kept = SiteKit::adopt(&data, None).unwrap();
        assert_eq!(urls(&kept), ["https://127.0.0.1:2", "https://127.0.0.1:3"]);
        assert_eq!(
            kept.hub.unwrap().delegation.as_deref(),
            Some(&b"signed"[..])
        );
        let named = HubAddress::parse("https://127.0.0.1:3").unwrap();
        SiteKit::name_hub(&data, &named).unwrap();
        let again = SiteKit::adopt(&data, Some(&kit)).unwrap();
        assert_eq!(urls(&again), ["https://127.0.0.1:3", "https://127.0.0.1:2"]);
        std::fs::write(kit.join(SITE), format!("{site}[hub]\nurl = \"http://h\"\n")).unwrap();
        let refused = SiteKit::adopt(&data, Some(&kit)).err().unwrap();
        assert_eq!(refused.code(), "kit.settings");
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
