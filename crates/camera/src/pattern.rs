//! A drawn picture for machines without a camera, which nobody can take for a person.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};

use crate::{CameraDevice, CameraFault, CameraSource, FrameChange, ShotRequest};

/// The id of the only device of a [`PatternSource`].
pub const PATTERN_ID: &str = "pattern";

/// The words that stand beside its pictures.
pub const PATTERN_LABEL: &str = "演示图案 PATTERN";

const MOST_SIDE: u32 = 4096;

const BARS: [[u8; 3]; 8] = [
    [192, 192, 192],
    [192, 192, 0],
    [0, 192, 192],
    [0, 192, 0],
    [192, 0, 192],
    [192, 0, 0],
    [0, 0, 192],
    [32, 32, 32],
];

const PAPER: Rgb<u8> = Rgb([250, 250, 250]);
const INK: Rgb<u8> = Rgb([16, 16, 16]);

/// Colour bars with "TEST PATTERN" across them and a number that grows with every picture.
#[derive(Debug, Default)]
pub struct PatternSource {
    drawn: AtomicU32,
}

impl PatternSource {
    /// A source whose first picture has the number 1.
    pub fn new() -> Self {
        Self::default()
    }

    fn draw(&self, width: u32, height: u32) -> Result<RgbImage, CameraFault> {
        if !(1..=MOST_SIDE).contains(&width) || !(1..=MOST_SIDE).contains(&height) {
            return Err(CameraFault::Format(format!(
                "no pattern of {width}×{height}"
            )));
        }
        let number = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut picture = RgbImage::from_fn(width, height, |x, y| {
            // Below the middle the bars stand in the other order, and all of them wander.
            let bar = (x + number.wrapping_mul(width / 40 + 1) % width) * 8 / width;
            let bar = if y < height / 2 { bar % 8 } else { 7 - bar % 8 };
            Rgb(BARS[bar as usize])
        });
        let dot = (width / (GLYPH_STEP * 13)).max(1);
        let band = dot * 22;
        let top = height.saturating_sub(band) / 2;
        fill(&mut picture, 0, top, width, band, PAPER);
        write_centred(&mut picture, "TEST PATTERN", top + dot * 2, dot);
        write_centred(
            &mut picture,
            &format!("{:06}", number % 1_000_000),
            top + dot * 12,
            dot,
        );
        Ok(picture)
    }
}

impl CameraSource for PatternSource {
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault> {
        Ok(vec![CameraDevice {
            id: PATTERN_ID.into(),
            name: PATTERN_LABEL.into(),
            pattern: true,
        }])
    }

    fn take(&self, id: &str, shot: &ShotRequest) -> Result<RgbImage, CameraFault> {
        if id != PATTERN_ID {
            return Err(CameraFault::NotFound);
        }
        self.draw(shot.width, shot.height)
    }

    fn label(&self) -> Option<&'static str> {
        Some(PATTERN_LABEL)
    }

    fn frames_change(&self, id: &str, _: Duration) -> Result<FrameChange, CameraFault> {
        let began = Instant::now();
        let mut seen = FrameChange {
            frames: 0,
            changed: 0,
            millis: 0,
        };
        let mut before: Option<RgbImage> = None;
        while seen.frames < 4 {
            let picture = self.take(
                id,
                &ShotRequest {
                    width: 320,
                    height: 240,
                    ..ShotRequest::vga()
                },
            )?;
            seen.frames += 1;
            seen.changed += u32::from(before.is_some_and(|b| b != picture));
            before = Some(picture);
        }
        seen.millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(seen)
    }
}

fn fill(picture: &mut RgbImage, left: u32, top: u32, width: u32, height: u32, colour: Rgb<u8>) {
    let (right, bottom) = (
        picture.width().min(left + width),
        picture.height().min(top + height),
    );
    for y in top..bottom {
        for x in left..right {
            picture.put_pixel(x, y, colour);
        }
    }
}

/// A letter and the gap behind it, in dots.
const GLYPH_STEP: u32 = 6;

fn write_centred(picture: &mut RgbImage, text: &str, top: u32, dot: u32) {
    let across = (text.len() as u32 * GLYPH_STEP).saturating_sub(1) * dot;
    let mut left = picture.width().saturating_sub(across) / 2;
    for letter in text.bytes() {
        for (row, bits) in (0u32..).zip(glyph(letter)) {
            for column in (0u32..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                fill(picture, left + column * dot, top + row * dot, dot, dot, INK);
            }
        }
        left += GLYPH_STEP * dot;
    }
}

/// Seven rows of five dots, the leftmost in bit 4; blank for letters that are never written.
#[rustfmt::skip]
fn glyph(letter: u8) -> [u8; 7] {
    match letter {
        b'0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        b'1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        b'2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        b'3' => [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        b'4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        b'5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        b'6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        b'7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        b'8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        b'9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        b'A' => [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        b'E' => [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
        b'N' => [0b10001, 0b11001, 0b10101, 0b10101, 0b10011, 0b10001, 0b10001],
        b'P' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
        b'R' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
        b'S' => [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        b'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brightness;

    fn shot(width: u32, height: u32) -> ShotRequest {
        ShotRequest {
            width,
            height,
            ..ShotRequest::vga()
        }
    }

    #[test]
    fn it_is_labelled_listed_as_a_pattern_and_answers_to_no_other_name() {
        let source = PatternSource::new();
        assert_eq!(source.label(), Some("演示图案 PATTERN"));
        let devices = source.list().unwrap();
        assert!(devices.len() == 1 && devices[0].pattern);
        assert!(source.take(&devices[0].id, &shot(64, 48)).is_ok());
        assert_eq!(source.take("0", &shot(64, 48)), Err(CameraFault::NotFound));
    }

    #[test]
    fn a_thousand_pictures_are_all_different() {
        let source = PatternSource::new();
        let seen: std::collections::HashSet<_> = (0..1000)
            .map(|_| source.take(PATTERN_ID, &shot(160, 120)).unwrap().into_raw())
            .collect();
        assert_eq!(seen.len(), 1000);
        let change = source
            .frames_change(PATTERN_ID, Duration::from_secs(1))
            .unwrap();
        assert!(
            change.is_live() && change.changed == change.frames - 1,
            "{change:?}"
        );
    }

    #[test]
    fn the_words_are_there_in_ink_on_paper() {
        let picture = PatternSource::new()
            .take(PATTERN_ID, &shot(640, 480))
            .unwrap();
        let ink = picture.pixels().filter(|p| **p == INK).count();
        let paper = picture.pixels().filter(|p| **p == PAPER).count();
        let dot = 640 / (GLYPH_STEP * 13);
        let dots = |text: &str| -> u32 { text.bytes().flat_map(glyph).map(u8::count_ones).sum() };
        let wanted = (dots("TEST PATTERN") + dots("000001")) * dot * dot;
        assert_eq!(ink as u32, wanted);
        assert!(paper > ink * 2);
        let light = brightness(&picture);
        assert!(
            (40..220).contains(&light),
            "neither dark nor blinding: {light}"
        );
    }

    #[test]
    fn any_size_is_drawn_or_refused_and_none_panics() {
        let source = PatternSource::new();
        for (width, height) in [
            (1, 1),
            (3, 2000),
            (2000, 3),
            (7, 5),
            (1920, 1080),
            (4096, 1),
        ] {
            let picture = source.take(PATTERN_ID, &shot(width, height)).unwrap();
            assert_eq!(picture.dimensions(), (width, height));
        }
        for (width, height) in [(0, 1), (1, 0), (4097, 1), (u32::MAX, u32::MAX)] {
            assert_eq!(
                source
                    .take(PATTERN_ID, &shot(width, height))
                    .unwrap_err()
                    .code(),
                "camera.format"
            );
        }
    }
}
