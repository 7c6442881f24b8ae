//! Where a site's hub is: by the kit's settings, or by the text of a QR code on the hub's screen. An address is only a
//! candidate; the delegation that whoever answers there shows decides ([`crate::upstream`]).

use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::device_fingerprint;
use reqwest::Url;

const SCHEME: &str = "fengjuan-hub";
const VERSION: &str = "1";

/// What a kit says of the site's hubs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubKit {
    /// The first one that is heard and obeyed is used. Never empty.
    pub addresses: Vec<HubAddress>,
    /// COSE_Sign1 [`HubDelegation`] where the kit came with one. Not verified yet.
    pub delegation: Option<Vec<u8>>,
}

/// One hub's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAddress {
    /// `https://host:port`, without a slash at the end.
    pub url: String,
    /// 80 bits over the hub's device keys, where somebody has said them.
    pub fingerprint: Option<String>,
}

/// Why a text is no hub's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubAddressError {
    #[error("not a hub's address")]
    Unreadable,
    #[error("a hub's address of a newer form")]
    Newer,
}

impl HubAddressError {
    pub fn code(&self) -> &'static str {
        match self {
            HubAddressError::Unreadable => "hub.address_unreadable",
            HubAddressError::Newer => "hub.address_newer",
        }
    }
}

impl HubAddress {
    /// Reads `fengjuan-hub:1?url=…&fp=…`, or a bare `https://` address. Unknown parts are left alone.
    ///
    /// # Errors
    /// [`HubAddressError`].
    pub fn parse(text: &str) -> Result<HubAddress, HubAddressError> {
        let text = text.trim();
        if let Some(url) = upstream_url(text) {
            return Ok(HubAddress {
                url,
                fingerprint: None,
            });
        }
        let parsed = Url::parse(text).map_err(|_| HubAddressError::Unreadable)?;
        if parsed.scheme() != SCHEME {
            return Err(HubAddressError::Unreadable);
        }
        if parsed.path() != VERSION {
            return Err(HubAddressError::Newer);
        }
        let part = |name: &str| {
            let mut pairs = parsed.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let url = part("url").and_then(|url| upstream_url(&url));
        let fingerprint = match part("fp") {
            Some(fp) if !is_fingerprint(&fp) => return Err(HubAddressError::Unreadable),
            fp => fp.map(|fp| fp.into_owned()),
        };
        let url = url.ok_or(HubAddressError::Unreadable)?;
        Ok(HubAddress { url, fingerprint })
    }

    /// The text of the QR code.
    pub fn to_text(&self) -> String {
        let mut text = Url::parse(&format!("{SCHEME}:{VERSION}"));
        if let Ok(text) = &mut text {
            let mut pairs = text.query_pairs_mut();
            pairs.append_pair("url", &self.url);
            if let Some(fingerprint) = &self.fingerprint {
                pairs.append_pair("fp", fingerprint);
            }
        }
        text.map(String::from).unwrap_or_default()
    }

    /// Is this the hub that was meant?
    pub fn is_of(&self, hub: &HubDelegation) -> bool {
        let found = device_fingerprint(&hub.device, &hub.kem);
        self.fingerprint
            .as_ref()
            .is_none_or(|meant| *meant == found)
    }
}

/// `XXXX-XXXX-XXXX-XXXX` in Crockford symbols.
fn is_fingerprint(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let symbol = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() && !"ILOU".contains(c);
    groups.len() == 4
        && groups
            .iter()
            .all(|group| group.len() == 4 && group.chars().all(symbol))
}

/// `https://host:port` without a slash at the end, where it is one and nothing more.
pub(super) fn upstream_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nameless = url.username().is_empty() && url.password().is_none();
    let usable = url.scheme() == "https" && url.has_host() && bare && nameless;
    usable.then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> HubAddress {
        HubAddress {
            url: "https://10.0.0.2:8443".to_owned(),
            fingerprint: Some("01AB-CDEF-GHJK-MNPQ".to_owned()),
        }
    }

    #[test]
    fn the_text_of_a_qr_code_is_read_back() {
        let text = address().to_text();
        assert!(text.starts_with("fengjuan-hub:1?url="), "{text}");
        assert_eq!(HubAddress::parse(&text), Ok(address()));
        let bare = HubAddress {
            fingerprint: None,
            ..address()
        };
        assert_eq!(HubAddress::parse(&bare.to_text()), Ok(bare.clone()));
        assert_eq!(HubAddress::parse(" https://10.0.0.2:8443/\n"), Ok(bare));
        let more = format!("{text}&later=x");
        assert_eq!(HubAddress::parse(&more), Ok(address()), "later parts");
        let plain = "fengjuan-hub:1?url=https://10.0.0.2:8443&fp=01AB-CDEF-GHJK-MNPQ";
        assert_eq!(HubAddress::parse(plain), Ok(address()));
    }

    #[test]
    fn whatever_else_a_code_holds_is_refused() {
        let unreadable = [
            "",
            "http://10.0.0.2",
            "https://",
            "https://user@10.0.0.2",
            "https://10.0.0.2/other",
            "fengjuan-hub:1",
            "fengjuan-hub:1?fp=01AB-CDEF-GHJK-MNPQ",
            "fengjuan-hub:1?url=http://10.0.0.2",
            "fengjuan-hub:1?url=https://10.0.0.2&fp=01AB",
            "fengjuan-hub:1?url=https://10.0.0.2&fp=01ab-cdef-ghjk-mnpq",
            "other:1?url=https://10.0.0.2",
        ];
        for text in unreadable {
            let refused = HubAddress::parse(text);
            assert_eq!(refused, Err(HubAddressError::Unreadable), "{text}");
        }
        let newer = HubAddress::parse("fengjuan-hub:2?url=https://10.0.0.2");
        assert_eq!(newer, Err(HubAddressError::Newer));
    }
}
