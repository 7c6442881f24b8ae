//! QR codes in a picture (ISO/IEC 18004).

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbImage;
use rqrr::PreparedImage;

/// Codes read in one picture; nobody holds up more at once.
const MOST_CODES: usize = 8;

/// The texts of the QR codes in a picture, in no particular order; whoever held them up decided what they say. Empty
/// for a picture in which no code can be read, whatever else it shows.
pub fn qr_texts(picture: &RgbImage) -> Vec<String> {
    // The reader asserts what it believes of a picture. Nobody's belief holds for every picture.
    catch_unwind(AssertUnwindSafe(|| read(picture))).unwrap_or_default()
}

fn read(picture: &RgbImage) -> Vec<String> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let luma: Vec<u8> = picture.pixels().map(|pixel| luma(pixel.0)).collect();
    let mut prepared =
        PreparedImage::prepare_from_greyscale(width, height, |x, y| luma[y * width + x]);
    let codes = prepared.detect_grids().into_iter().take(MOST_CODES);
    codes
        .filter_map(|code| Some(code.decode().ok()?.1))
        .collect()
}

/// ITU-R BT.601 weights.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from(sum / 1000).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
