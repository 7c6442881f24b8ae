//! Pictures for the page, from memory and only those that the present screen shows.

/// A picture's type by its first bytes; `None` for anything that is neither PNG nor JPEG.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A picture of the question on the screen, by its number in the package.
    Media(u32),
    /// The registered photo.
    Photo,
    /// The check-in picture, while staff look at it.
    CheckIn,
    /// What the camera sees while it looks for a station's QR code.
    Scan,
}

/// Reads a path such as `/media/12` (a query after it is ignored).
pub fn parse(path: &str) -> Option<Resource> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.trim_start_matches('/') {
        "photo" => Some(Resource::Photo),
        "checkin" => Some(Resource::CheckIn),
        "scan" => Some(Resource::Scan),
        other => {
            let number = other.strip_prefix("media/")?;
            let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            plain
                .then(|| number.parse().ok())
                .flatten()
                .map(Resource::Media)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_a_picture_or_nothing() {
        assert_eq!(parse("/media/12?r=4"), Some(Resource::Media(12)));
        assert_eq!(parse("photo?r=1"), Some(Resource::Photo));
        assert_eq!(parse("/checkin"), Some(Resource::CheckIn));
        assert_eq!(parse("/scan?r=7"), Some(Resource::Scan));
        for odd in [
            "",
            "/",
            "/media/",
            "/media/-1",
            "/media/+1",
            "/media/../x",
            "/media/99999999999",
            "/etc",
        ] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_pictures_are_served() {
        assert_eq!(picture_type(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(picture_type(b"\x89PNG\r\n"), Some("image/png"));
        assert_eq!(picture_type(b"<svg/>"), None);
        assert_eq!(picture_type(b""), None);
    }
}
