//! A taken picture as it is kept.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};

use crate::CameraFault;

/// A picture ready to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Baseline JPEG, sRGB.
    pub jpeg: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Picture {
    /// Compresses pixels; `quality` as in [`encode_jpeg`].
    ///
    /// # Errors
    /// As [`encode_jpeg`].
    pub fn of(img: &RgbImage, quality: u8) -> Result<Self, CameraFault> {
        let jpeg = encode_jpeg(img, quality)?;
        Ok(Self {
            jpeg,
            width: img.width(),
            height: img.height(),
        })
    }
}

/// Compresses pixels as baseline JPEG; `quality` from 1 to 100, anything else is brought there.
///
/// # Errors
/// [`CameraFault::Format`] for a picture without pixels or with a side over 65,535.
pub fn encode_jpeg(img: &RgbImage, quality: u8) -> Result<Vec<u8>, CameraFault> {
    let (width, height) = img.dimensions();
    if width == 0 || height == 0 {
        return Err(CameraFault::Format("a picture without pixels".into()));
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality.clamp(1, 100))
        .encode(img.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(|cause| CameraFault::Format(cause.to_string()))?;
    Ok(jpeg)
}

/// Sides of a small picture.
const SMALL: (u32, u32) = (240, 180);
/// Tried in turn until the picture is small enough.
const QUALITIES: [u8; 5] = [78, 62, 46, 30, 12];

/// A small baseline JPEG of at most `most_bytes` for looking at, at most 240×180 in the picture's own proportions.
///
/// # Errors
/// [`CameraFault::Format`] for a picture without pixels, or one that no quality makes small enough.
pub fn small_jpeg(img: &RgbImage, most_bytes: usize) -> Result<Vec<u8>, CameraFault> {
    let (width, height) = img.dimensions();
    if width == 0 || height == 0 {
        return Err(CameraFault::Format("a picture without pixels".into()));
    }
    let side = |one: u32, by: u32, of: u32| {
        let scaled = u64::from(one) * u64::from(by) / u64::from(of);
        u32::try_from(scaled).unwrap_or(by).max(1)
    };
    let (across, down) =
        if u64::from(width) * u64::from(SMALL.1) > u64::from(height) * u64::from(SMALL.0) {
            (SMALL.0.min(width), side(height, SMALL.0.min(width), width))
        } else {
            (
                side(width, SMALL.1.min(height), height),
                SMALL.1.min(height),
            )
        };
    let small = image::imageops::thumbnail(img, across, down);
    for quality in QUALITIES {
        let jpeg = encode_jpeg(&small, quality)?;
        if jpeg.len() <= most_bytes {
            return Ok(jpeg);
        }
    }
    Err(CameraFault::Format("too large at any quality".into()))
}

/// Mean luma of a picture (ITU-R BT.601 weights): 0 is black, 255 white. A covered lens is near 0.
pub fn brightness(img: &RgbImage) -> u8 {
    let pixels = img.as_raw().as_chunks::<3>().0;
    let sum: u64 = pixels
        .iter()
        .map(|&[r, g, b]| (299 * u64::from(r) + 587 * u64::from(g) + 114 * u64::from(b)) / 1000)
        .sum();
    u8::try_from(sum / (pixels.len() as u64).max(1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_picture_survives_compression_well_enough_to_be_looked_at() {
        let img = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 90]));
        let picture = Picture::of(&img, 85).unwrap();
        assert_eq!((picture.width, picture.height), (64, 48));
        let back = image::load_from_memory(&picture.jpeg).unwrap().to_rgb8();
        let off = img
            .as_raw()
            .iter()
            .zip(back.as_raw())
            .map(|(a, b)| a.abs_diff(*b) as usize);
        let mean = off.sum::<usize>() / img.as_raw().len();
        assert!(mean < 8, "mean difference {mean}");
    }

    #[test]
    fn quality_out_of_range_is_brought_into_it_and_nothing_is_no_picture() {
        let img = RgbImage::from_pixel(8, 8, Rgb([1, 2, 3]));
        assert_eq!(encode_jpeg(&img, 0).unwrap(), encode_jpeg(&img, 1).unwrap());
        assert_eq!(
            encode_jpeg(&img, 255).unwrap(),
            encode_jpeg(&img, 100).unwrap()
        );
        assert_eq!(
            encode_jpeg(&RgbImage::new(0, 5), 80).unwrap_err().code(),
            "camera.format"
        );
    }

    #[test]
    fn brightness_runs_from_black_to_white() {
        let plain = |p| brightness(&RgbImage::from_pixel(9, 7, Rgb(p)));
        assert_eq!(
            (plain([0; 3]), plain([128; 3]), plain([255; 3])),
            (0, 128, 255)
        );
        assert!(plain([0, 255, 0]) > plain([255, 0, 0]) && plain([255, 0, 0]) > plain([0, 0, 255]));
        assert_eq!(brightness(&RgbImage::new(0, 0)), 0);
    }

    #[test]
    fn a_small_picture_keeps_its_proportions_and_fits_whatever_it_shows() {
        let mut state = 1u32;
        let mut noise = |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb(state.to_be_bytes()[..3].try_into().unwrap())
        };
        for (size, expected) in [
            ((640, 480), (240, 180)),
            ((1920, 1080), (240, 135)),
            ((480, 640), (135, 180)),
            ((100, 20), (100, 20)),
            ((4000, 1), (240, 1)),
        ] {
            let img = RgbImage::from_fn(size.0, size.1, &mut noise);
            let jpeg = small_jpeg(&img, 12 * 1024).unwrap();
            assert!(jpeg.len() <= 12 * 1024, "{size:?}: {}", jpeg.len());
            let back = image::load_from_memory(&jpeg).unwrap();
            assert_eq!((back.width(), back.height()), expected, "{size:?}");
        }
        assert!(small_jpeg(&RgbImage::new(0, 4), 12 * 1024).is_err());
        assert!(small_jpeg(&RgbImage::new(640, 480), 10).is_err());
    }
}
