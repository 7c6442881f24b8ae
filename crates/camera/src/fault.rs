//! Why there is no picture.

/// Why there is no picture. Closed, so that every cause has words and advice on the screens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CameraFault {
    /// No such device.
    #[error("no such camera")]
    NotFound,
    /// Another program holds the device, or this one is taking a picture from it right now.
    #[error("the camera is in use")]
    Busy,
    /// This user may not open the device.
    #[error("no permission to open the camera")]
    Permission,
    /// The device went away while it was open.
    #[error("the camera was unplugged")]
    Unplugged,
    /// The device delivers no frames, or too few before the deadline.
    #[error("the camera delivers no pictures")]
    Stalled,
    /// The device offers no format that can be read, or sends frames that are not whole.
    #[error("camera format: {0}")]
    Format(String),
    /// Anything else, in the driver's own words.
    #[error("camera: {0}")]
    Broken(String),
}

impl CameraFault {
    /// The stable name that screens and the event catalogue map to words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "camera.not_found",
            Self::Busy => "camera.busy",
            Self::Permission => "camera.permission",
            Self::Unplugged => "camera.unplugged",
            Self::Stalled => "camera.stalled",
            Self::Format(_) => "camera.format",
            Self::Broken(_) => "camera.broken",
        }
    }

    /// The typed cause for an error number of Linux, or `None` where the number alone does not
    /// say (errno(3)).
    pub(crate) fn from_errno(errno: i32) -> Option<Self> {
        match errno {
            1 | 13 => Some(Self::Permission), // EPERM, EACCES
            2 => Some(Self::NotFound),        // ENOENT
            6 | 19 => Some(Self::Unplugged),  // ENXIO, ENODEV
            16 => Some(Self::Busy),           // EBUSY
            110 => Some(Self::Stalled),       // ETIMEDOUT
            _ => None,
        }
    }
}

/// The number in "… (os error N)", which is how the standard library prints an I/O error.
/// The camera library keeps only that text, so the number is all that is typed in it.
pub(crate) fn errno_in(text: &str) -> Option<i32> {
    let (_, after) = text.rsplit_once("(os error ")?;
    let (number, _) = after.split_once(')')?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_from_a_printed_error_in_any_wording() {
        let busy = std::io::Error::from_raw_os_error(16);
        assert_eq!(
            errno_in(&format!("Could not open device stream: {busy}")),
            Some(16)
        );
        assert_eq!(errno_in("设备忙 (os error 16)"), Some(16));
        assert_eq!(errno_in("a (os error 2) then b (os error 19)"), Some(19));
        for junk in [
            "",
            "(os error ",
            "(os error x)",
            "os error 16",
            "(os error 99999999999)",
        ] {
            assert_eq!(errno_in(junk), None, "{junk}");
        }
    }

    #[test]
    fn each_cause_has_its_own_stable_code() {
        let all = [
            CameraFault::NotFound,
            CameraFault::Busy,
            CameraFault::Permission,
            CameraFault::Unplugged,
            CameraFault::Stalled,
            CameraFault::Format(String::new()),
            CameraFault::Broken(String::new()),
        ];
        let mut codes: Vec<_> = all.iter().map(CameraFault::code).collect();
        assert!(codes.iter().all(|c| c.starts_with("camera.")));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len());
    }
}
