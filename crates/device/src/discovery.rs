//! Local discovery (DNS-SD over multicast DNS, RFC 6763 and 6762): a hub says where it is, terminals of its site hear it.
//! What is heard is an address and nothing more: whoever answers there must show the center's delegation for the key that
//! it proves ([`crate::upstream`]). Nothing secret is said, and a site's kit may switch it off.

use crate::site_kit::{HubAddress, SiteKit};
use mdns_sd::{IfKind, Receiver, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::sync::watch;

const SERVICE: &str = "_fengjuan._tcp.local.";
/// Of the form of the text records.
const VERSION: &str = "1";
/// Voices that are remembered, hubs that are listed, and addresses of one: a network that shouts fills no screen.
const MOST_VOICES: usize = 64;
const MOST_HUBS: usize = 8;
const MOST_ADDRESSES: usize = 4;
/// One string of a text record holds 255 bytes with its key.
const LONGEST_NAME: usize = 120;

/// Discovery does not work on this machine now. Everything else does.
#[derive(Debug, thiserror::Error)]
#[error("local discovery: {0}")]
pub struct DiscoveryError(#[from] mdns_sd::Error);

impl DiscoveryError {
    pub fn code(&self) -> &'static str {
        "discovery.unavailable"
    }
}

/// How far is heard and spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The networks of this machine, on the port of multicast DNS.
    Room,
    /// Only programs on this machine, on a port of their own.
    Machine { port: u16 },
}

impl Reach {
    /// For a site's machine; none where the kit switches discovery off, or where the site is on one machine anyway.
    pub fn of(kit: &SiteKit) -> Option<Reach> {
        let hubs = kit.hub.iter().flat_map(|hub| &hub.addresses);
        let mut urls = hubs.map(|hub| &hub.url).chain([&kit.url]);
        (kit.discovery && !urls.all(|url| is_of_this_machine(url))).then_some(Reach::Room)
    }

    /// Whether a hub may be at this address: nobody on the local network sends a machine out of it.
    fn holds(self, ip: Ipv4Addr) -> bool {
        match self {
            Reach::Room => ip.is_private() || ip.is_link_local(),
            Reach::Machine { .. } => ip.is_loopback(),
        }
    }

    fn daemon(self) -> Result<ServiceDaemon, DiscoveryError> {
        match self {
            Reach::Room => {
                let daemon = ServiceDaemon::new()?;
                let off = vec![IfKind::LoopbackV4, IfKind::LoopbackV6, IfKind::IPv6];
                daemon.disable_interface(off)?;
                Ok(daemon)
            }
            Reach::Machine { port } => {
                let daemon = ServiceDaemon::new_with_port(port)?;
                daemon.disable_interface(IfKind::All)?;
                daemon.enable_interface(IfKind::LoopbackV4)?;
                daemon.set_multicast_loop_v4(true)?;
                Ok(daemon)
            }
        }
    }
}

fn is_of_this_machine(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok();
    let host = host.as_ref().and_then(|url| url.host_str());
    host.is_some_and(|host| {
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    })
}

/// What a hub says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub site: String,
    pub hub_name: String,
    /// 80 bits over its device keys, as on its screen.
    pub fingerprint: String,
    /// Where it serves; all addresses of the machine where it is unspecified.
    pub serves: SocketAddr,
}

/// Says where a hub is, until it is dropped.
pub struct Announcer {
    daemon: ServiceDaemon,
}

impl Announcer {
    /// # Errors
    /// [`DiscoveryError`].
    pub fn start(announcement: &Announcement, reach: Reach) -> Result<Announcer, DiscoveryError> {
        let daemon = reach.daemon()?;
        let announcer = Announcer { daemon };
        let Announcement {
            site,
            hub_name,
            fingerprint,
            serves,
        } = announcement;
        let host = format!("fengjuan-{}.local.", fingerprint.to_ascii_lowercase());
        let name = hub_name.char_indices();
        let name = name.take_while(|(at, c)| at + c.len_utf8() <= LONGEST_NAME);
        let name: String = name.map(|(_, c)| c).collect();
        let said = [
            ("v", VERSION),
            ("site", site.as_str()),
            ("name", name.as_str()),
            ("fp", fingerprint.as_str()),
        ];
        let everywhere = serves.ip().is_unspecified();
        let ip = match everywhere {
            true => String::new(),
            false => serves.ip().to_string(),
        };
        let ip = ip.as_str();
        let service = ServiceInfo::new(SERVICE, fingerprint, &host, ip, serves.port(), &said[..])?;
        let service = match everywhere {
            true => service.enable_addr_auto(),
            false => service,
        };
        announcer.daemon.register(service)?;
        Ok(announcer)
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        // Says goodbye; whoever misses it forgets the hub by its records' age.
        let _ = self.daemon.shutdown();
    }
}

/// A hub that was heard. Nothing of it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundHub {
    pub hub_name: String,
    pub fingerprint: String,
    /// `https://ip:port`, at least one.
    pub urls: Vec<String>,
}

/// Listens for the hubs of one site, until it is dropped.
pub struct Finder {
    daemon: ServiceDaemon,
    found: watch::Receiver<Vec<FoundHub>>,
}

impl Finder {
    /// # Errors
    /// [`DiscoveryError`].
    pub fn start(site: &str, reach: Reach) -> Result<Finder, DiscoveryError> {
        let daemon = reach.daemon()?;
        let (tell, found) = watch::channel(Vec::new());
        let finder = Finder {
            daemon: daemon.clone(),
            found,
        };
        let events = daemon.browse(SERVICE)?;
        let site = site.to_owned();
        let spawned = std::thread::Builder::new()
            .name("discovery".to_owned())
            .spawn(move || listen(&events, (&site, reach), &tell));
        if let Err(error) = spawned {
            tracing::warn!(%error, "nobody listens for hubs");
        }
        Ok(finder)
    }

    /// Who is heard now, by fingerprint.
    pub fn found(&self) -> Vec<FoundHub> {
        self.found.borrow().clone()
    }

    /// Tells of every change.
    pub fn changes(&self) -> watch::Receiver<Vec<FoundHub>> {
        self.found.clone()
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        let _ = self.daemon.shutdown();
    }
}

/// Goes on until the daemon ends.
fn listen(events: &Receiver<ServiceEvent>, of: (&str, Reach), tell: &watch::Sender<Vec<FoundHub>>) {
    let mut heard: BTreeMap<String, FoundHub> = BTreeMap::new();
    while let Ok(event) = events.recv() {
        match event {
            ServiceEvent::ServiceResolved(service) => match read(&service, of) {
                Some(hub) if heard.len() < MOST_VOICES || heard.contains_key(&service.fullname) => {
                    heard.insert(service.fullname.clone(), hub);
                }
                _ => {
                    heard.remove(&service.fullname);
                }
            },
            ServiceEvent::ServiceRemoved(_, name) => {
                heard.remove(&name);
            }
            _ => continue,
        }
        let found = by_fingerprint(heard.values());
        tell.send_if_modified(|known| {
            let changed = *known != found;
            *known = found;
            changed
        });
    }
}

/// Whoever says another one's fingerprint adds an address to that one's and takes none away.
fn by_fingerprint<'a>(heard: impl Iterator<Item = &'a FoundHub>) -> Vec<FoundHub> {
    let mut found: BTreeMap<&str, FoundHub> = BTreeMap::new();
    for hub in heard {
        let known = found.entry(&hub.fingerprint).or_insert_with(|| FoundHub {
            urls: Vec::new(),
            ..hub.clone()
        });
        for url in &hub.urls {
            if !known.urls.contains(url) && known.urls.len() < MOST_ADDRESSES {
                known.urls.push(url.clone());
            }
        }
    }
    found.into_values().take(MOST_HUBS).collect()
}

/// A hub of this site in a form that is known. What stands in it comes from anybody on the network.
fn read(service: &ResolvedService, (site, reach): (&str, Reach)) -> Option<FoundHub> {
    let said = |key: &str| service.get_property_val_str(key).unwrap_or_default();
    if said("v") != VERSION || said("site") != site {
        return None;
    }
    // No mark that turns or hides the letters beside it.
    let plain = |c: &char| c.is_alphanumeric() || c.is_ascii_punctuation() || " （）·".contains(*c);
    let mut ips: Vec<Ipv4Addr> = service.get_addresses_v4().into_iter().collect();
    ips.retain(|ip| reach.holds(*ip));
    ips.sort();
    let address = |ip| HubAddress {
        url: format!("https://{}", SocketAddr::from((ip, service.port))),
        fingerprint: Some(said("fp").to_owned()),
    };
    // Whatever a QR code could not say is not taken from the air either.
    let sound = |address: &HubAddress| HubAddress::parse(&address.to_text()).is_ok();
    let addresses = ips.into_iter().take(MOST_ADDRESSES).map(address);
    let urls: Vec<String> = addresses.filter(sound).map(|address| address.url).collect();
    (!urls.is_empty()).then(|| FoundHub {
        hub_name: said("name").chars().filter(plain).take(40).collect(),
        fingerprint: said("fp").to_owned(),
        urls,
    })
}

#[cfg(test)]
pub(crate) mod tests;
