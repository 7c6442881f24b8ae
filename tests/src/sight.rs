//! What a person sees on a display, and how much of it two pictures share.

use crate::kiosk::Kiosk;
use crate::process::run;
use image::RgbImage;
use std::collections::HashMap;
use std::process::Command;

/// A part of the display in points: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(pub u32, pub u32, pub u32, pub u32);

impl Region {
    fn holds(&self, x: u32, y: u32) -> bool {
        (self.0..self.0 + self.2).contains(&x) && (self.1..self.1 + self.3).contains(&y)
    }
}

/// The whole display.
pub fn seen(kiosk: &Kiosk) -> anyhow::Result<RgbImage> {
    let path = kiosk.home.folder.join("seen.png");
    kiosk.display.picture(&path)?;
    Ok(image::open(&path)?.to_rgb8())
}

/// How many points differ outside a region, such as a clock that goes on.
pub fn differing(one: &RgbImage, other: &RgbImage, but: Region) -> usize {
    one.enumerate_pixels()
        .filter(|(x, y, pixel)| {
            !but.holds(*x, *y) && other.get_pixel_checked(*x, *y) != Some(*pixel)
        })
        .count()
}

/// Whether so many percent of what is drawn in `wanted` is drawn in `now` too.
pub fn alike(wanted: &RgbImage, now: &RgbImage, percent: u32) -> bool {
    let mut colours = HashMap::new();
    for pixel in wanted.pixels() {
        *colours.entry(pixel).or_insert(0u32) += 1;
    }
    let ground = colours.into_iter().max_by_key(|(_, count)| *count);
    let ground = ground.map(|(pixel, _)| pixel);
    let drawn = wanted
        .enumerate_pixels()
        .filter(|(.., pixel)| Some(*pixel) != ground);
    let (mut all, mut same) = (0u32, 0u32);
    for (x, y, pixel) in drawn {
        all += 1;
        same += u32::from(pixel == now.get_pixel(x, y));
    }
    println!("{same} of {all} points alike");
    same * 100 >= all * percent
}

/// Mouse and keyboard of the display itself, which reach the window as a person's would: `hand(kiosk, "key ctrl+r")`.
pub fn hand(kiosk: &Kiosk, does: &str) -> anyhow::Result<String> {
    run(Command::new("xdotool")
        .args(does.split_whitespace())
        .env("DISPLAY", &kiosk.display.name))
}

/// Every window that is on the display, menus and drag pictures among them.
pub fn windows(kiosk: &Kiosk) -> anyhow::Result<Vec<String>> {
    let found = hand(kiosk, "search --onlyvisible --name .*")?;
    let mut all: Vec<String> = found.lines().map(str::to_owned).collect();
    all.sort();
    Ok(all)
}
