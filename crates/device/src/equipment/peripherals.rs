//! What a person sees, touches and is seen by.

use super::measured::{fail, not_measured, pass, warn};
use crate::view::{Check, CheckRow};
use fengjuan_camera::{CameraFault, CameraSource};
use std::path::Path;
use std::time::Duration;

const CAMERA_DEADLINE: Duration = Duration::from_secs(8);

/// A frozen picture and a picture of a person look the same to whoever only asks for one.
pub(super) fn camera(source: &dyn CameraSource) -> CheckRow {
    const LIMIT: &str = "≥ 50 %";
    let check = Check::Camera;
    let devices = match source.list() {
        Ok(devices) => devices,
        Err(fault) => return camera_fault(&fault, ""),
    };
    let Some(device) = devices
        .iter()
        .find(|device| !device.pattern)
        .or(devices.first())
    else {
        return fail(check, "0", LIMIT, "check.camera.none");
    };
    if device.pattern || source.label().is_some() {
        return not_measured(check, "check.camera.pattern");
    }
    let name: String = device
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(40)
        .collect();
    match source.frames_change(&device.id, CAMERA_DEADLINE) {
        Ok(seen) => {
            let pairs = seen.frames.saturating_sub(1);
            let value = format!("{}/{pairs} · {} ms · {name}", seen.changed, seen.millis);
            if seen.is_live() {
                pass(check, value, LIMIT)
            } else {
                fail(check, value, LIMIT, "check.camera.frozen")
            }
        }
        Err(fault) => camera_fault(&fault, &name),
    }
}

fn camera_fault(fault: &CameraFault, name: &str) -> CheckRow {
    let value = if name.is_empty() {
        fault.code().to_owned()
    } else {
        format!("{name} · {}", fault.code())
    };
    fail(
        Check::Camera,
        value,
        "≥ 50 %",
        &format!("check.{}", fault.code()),
    )
}

pub(super) fn displays(sizes: Option<Vec<(u32, u32)>>) -> CheckRow {
    const LIMIT: &str = "1 × ≥ 1024×768";
    let check = Check::Displays;
    let Some(sizes) = sizes else {
        return not_measured(check, "check.displays.no_window");
    };
    let value: Vec<String> = sizes
        .iter()
        .map(|(width, height)| format!("{width}×{height}"))
        .collect();
    let value = format!("{} × {}", sizes.len(), value.join(" + "));
    match sizes.as_slice() {
        [] => fail(check, "0", LIMIT, "check.displays.none"),
        [(width, height)] if *width >= 1024 && *height >= 768 => pass(check, value, LIMIT),
        [_] => fail(check, value, LIMIT, "check.displays.small"),
        _ => fail(check, value, LIMIT, "check.displays.more_than_one"),
    }
}

/// `/proc/bus/input/devices`: a mouse is what has a mouse handler; a keyboard is what has the letter keys and space
/// (a power button has a keyboard handler too).
pub(super) fn input_devices(root: &Path) -> CheckRow {
    const LIMIT: &str = "≥ 1 mouse, ≥ 1 keyboard";
    let check = Check::InputDevices;
    let text = std::fs::read_to_string(root.join("proc/bus/input/devices")).unwrap_or_default();
    if text.trim().is_empty() {
        return not_measured(check, "check.input_devices.not_listed");
    }
    let devices: Vec<&str> = text
        .split("\n\n")
        .filter(|device| !device.trim().is_empty())
        .collect();
    let mice = devices
        .iter()
        .filter(|device| handlers(device).contains("mouse"))
        .count();
    let keyboards = devices.iter().filter(|device| has_letters(device)).count();
    let value = format!("{mice} mouse · {keyboards} keyboard");
    match (mice, keyboards) {
        (0, _) => fail(check, value, LIMIT, "check.input_devices.no_mouse"),
        // A candidate needs the mouse alone; the code can be typed on another keyboard that is plugged in.
        (_, 0) => warn(check, value, LIMIT, "check.input_devices.no_keyboard"),
        _ => pass(check, value, LIMIT),
    }
}

fn handlers(device: &str) -> &str {
    device
        .lines()
        .find_map(|line| line.strip_prefix("H: Handlers="))
        .unwrap_or_default()
}

/// Key bits of KEY_A (30), KEY_Z (44) and KEY_SPACE (57): all in the last, lowest word of the `KEY` bitmap.
fn has_letters(device: &str) -> bool {
    const LETTERS: u64 = 1 << 30 | 1 << 44 | 1 << 57;
    let bitmap = device.lines().find_map(|line| line.strip_prefix("B: KEY="));
    let low = bitmap.and_then(|bitmap| bitmap.split_whitespace().last());
    low.and_then(|word| u64::from_str_radix(word, 16).ok())
        .is_some_and(|bits| bits & LETTERS == LETTERS)
}
