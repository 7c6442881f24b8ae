//! Frames as a driver delivers them, and how they become pixels.

use image::RgbImage;

use crate::{CameraFault, mjpeg};

/// No webcam is larger; a header that says more is damage, and must not reserve memory.
const MOST_PIXELS: u64 = 8192 * 8192;

/// How the bytes of a frame are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One JPEG picture per frame (ITU-T T.81), perhaps without Huffman tables, perhaps followed
    /// by stale bytes.
    Mjpeg,
    /// Packed 4:2:2, bytes Y0 Cb Y1 Cr, limited range.
    Yuyv,
    /// A plane of Y, then one of Cb Cr at half size both ways, limited range.
    Nv12,
    /// Three bytes a pixel: red, green, blue.
    Rgb,
    /// Three bytes a pixel: blue, green, red.
    Bgr,
}

/// One frame, not yet trusted: any length and any content are possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// How to read `bytes`.
    pub layout: Layout,
    /// Pixels across, as agreed with the driver.
    pub width: u32,
    /// Pixels down, as agreed with the driver.
    pub height: u32,
    /// What was delivered; may be longer than the frame.
    pub bytes: Vec<u8>,
}

impl RawFrame {
    /// The picture in this frame.
    ///
    /// # Errors
    /// [`CameraFault::Format`] where the bytes are not one whole frame of the agreed size.
    pub fn decode(&self) -> Result<RgbImage, CameraFault> {
        if self.width == 0 || self.height == 0 {
            return Err(CameraFault::Format("a frame without pixels".into()));
        }
        check_size(self.width, self.height)?;
        let pixels = match self.layout {
            Layout::Mjpeg => return mjpeg::decode(&self.bytes),
            Layout::Yuyv => from_yuyv(self.whole()?, self.width as usize),
            Layout::Nv12 => from_nv12(self.whole()?, self.width as usize, self.height as usize),
            Layout::Rgb => self.whole()?.to_vec(),
            Layout::Bgr => {
                let mut pixels = self.whole()?.to_vec();
                pixels
                    .as_chunks_mut::<3>()
                    .0
                    .iter_mut()
                    .for_each(|p| p.swap(0, 2));
                pixels
            }
        };
        RgbImage::from_raw(self.width, self.height, pixels)
            .ok_or_else(|| CameraFault::Format("a frame of another size".into()))
    }

    /// Exactly the bytes of the frame, without what a driver's buffer holds behind them.
    fn whole(&self) -> Result<&[u8], CameraFault> {
        let (width, height) = (self.width as usize, self.height as usize);
        let need = match self.layout {
            Layout::Mjpeg => self.bytes.len(),
            Layout::Yuyv => width.div_ceil(2) * 4 * height,
            Layout::Nv12 => width * height + width.div_ceil(2) * 2 * height.div_ceil(2),
            Layout::Rgb | Layout::Bgr => width * height * 3,
        };
        self.bytes.get(..need).ok_or_else(|| {
            CameraFault::Format(format!(
                "half a frame: {} of {need} bytes",
                self.bytes.len()
            ))
        })
    }
}

/// Refuses sizes that only damage can claim.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), CameraFault> {
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(CameraFault::Format(format!(
            "{width}×{height} is no camera's size"
        )));
    }
    Ok(())
}

/// One pixel by ITU-R BT.601, limited range, in 8-bit fixed point.
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let luma = (i32::from(y) - 16) * 298;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let channel = |sum: i32| ((sum + 128) >> 8).clamp(0, 255) as u8;
    [
        channel(luma + 409 * cr),
        channel(luma - 100 * cb - 208 * cr),
        channel(luma + 516 * cb),
    ]
}

fn from_yuyv(frame: &[u8], width: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(frame.len() / 2 * 3);
    for row in frame.chunks_exact(width.div_ceil(2) * 4) {
        let pairs = row.as_chunks::<4>().0;
        let both = pairs
            .iter()
            .flat_map(|&[y0, cb, y1, cr]| [rgb(y0, cb, cr), rgb(y1, cb, cr)]);
        pixels.extend(both.take(width).flatten());
    }
    pixels
}

fn from_nv12(frame: &[u8], width: usize, height: usize) -> Vec<u8> {
    let (luma, chroma) = frame.split_at(width * height);
    let chroma_rows = chroma
        .chunks_exact(width.div_ceil(2) * 2)
        .flat_map(|row| [row, row]);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for (row, colours) in luma.chunks_exact(width).zip(chroma_rows) {
        let pairs = colours
            .as_chunks::<2>()
            .0
            .iter()
            .flat_map(|pair| [pair, pair]);
        pixels.extend(
            row.iter()
                .zip(pairs)
                .flat_map(|(&y, &[cb, cr])| rgb(y, cb, cr)),
        );
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(layout: Layout, width: u32, height: u32, bytes: &[u8]) -> RawFrame {
        RawFrame {
            layout,
            width,
            height,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn reference_colours_of_bt601_come_out_within_one_step() {
        // 100 % bars in limited range: (Y, Cb, Cr) beside the colour that they stand for.
        let bars = [
            ((235, 128, 128), [255, 255, 255]),
            ((210, 16, 146), [255, 255, 0]),
            ((170, 166, 16), [0, 255, 255]),
            ((145, 54, 34), [0, 255, 0]),
            ((106, 202, 222), [255, 0, 255]),
            ((81, 90, 240), [255, 0, 0]),
            ((41, 240, 110), [0, 0, 255]),
            ((16, 128, 128), [0, 0, 0]),
        ];
        for ((y, cb, cr), want) in bars {
            let got = rgb(y, cb, cr);
            for channel in 0..3 {
                assert!(
                    got[channel].abs_diff(want[channel]) <= 2,
                    "{got:?} for {want:?}"
                );
            }
        }
    }

    #[test]
    fn yuyv_and_nv12_place_each_pixel_where_it_belongs() {
        let (white, black) = ([255, 255, 255], [0, 0, 0]);
        let yuyv = [235, 128, 16, 128, 16, 128, 235, 128];
        let picture = frame(Layout::Yuyv, 2, 2, &yuyv).decode().unwrap();
        let at = |p: &RgbImage, x, y| p.get_pixel(x, y).0;
        assert_eq!(
            [
                at(&picture, 0, 0),
                at(&picture, 1, 0),
                at(&picture, 0, 1),
                at(&picture, 1, 1)
            ],
            [white, black, black, white]
        );
        // Odd sides: the last pixel shares its colour with nobody.
        let nv12 = [
            235, 16, 235, 16, 235, 16, 235, 16, 81, 128, 128, 128, 128, 128, 128, 90, 240,
        ];
        let picture = frame(Layout::Nv12, 3, 3, &nv12).decode().unwrap();
        assert_eq!((at(&picture, 0, 0), at(&picture, 1, 0)), (white, black));
        let corner = at(&picture, 2, 2);
        assert!(
            corner[0] > 250 && corner[1] < 5 && corner[2] < 5,
            "red: {corner:?}"
        );
    }

    #[test]
    fn rgb_and_bgr_differ_by_the_order_of_their_channels() {
        let bytes = [1, 2, 3, 4, 5, 6, 99];
        assert_eq!(
            frame(Layout::Rgb, 2, 1, &bytes)
                .decode()
                .unwrap()
                .into_raw(),
            [1, 2, 3, 4, 5, 6]
        );
        assert_eq!(
            frame(Layout::Bgr, 2, 1, &bytes)
                .decode()
                .unwrap()
                .into_raw(),
            [3, 2, 1, 6, 5, 4]
        );
    }

    #[test]
    fn one_byte_too_few_is_half_a_frame_and_one_more_is_not() {
        for (layout, need) in [(Layout::Yuyv, 24), (Layout::Nv12, 23), (Layout::Rgb, 45)] {
            let short = frame(layout, 5, 3, &vec![0; need - 1])
                .decode()
                .unwrap_err();
            assert_eq!(short.code(), "camera.format", "{layout:?}");
            // 5×3 needs 6·2·3 = 36 bytes as YUYV, 15 + 6·2 = 27 as NV12 and 45 as RGB.
        }
        assert!(frame(Layout::Yuyv, 5, 3, &[0; 35]).decode().is_err());
        assert!(frame(Layout::Yuyv, 5, 3, &[0; 36]).decode().is_ok());
        assert!(frame(Layout::Nv12, 5, 3, &[0; 26]).decode().is_err());
        assert!(frame(Layout::Nv12, 5, 3, &[0; 27]).decode().is_ok());
        assert!(frame(Layout::Rgb, 5, 3, &[0; 46]).decode().is_ok());
    }

    #[test]
    fn impossible_sizes_are_refused_before_anything_is_reserved() {
        for (width, height) in [(0, 1), (1, 0), (u32::MAX, u32::MAX), (8193, 8192)] {
            for layout in [
                Layout::Mjpeg,
                Layout::Yuyv,
                Layout::Nv12,
                Layout::Rgb,
                Layout::Bgr,
            ] {
                assert!(frame(layout, width, height, &[0; 64]).decode().is_err());
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_size_make_it_panic(
            layout in prop::sample::select(vec![Layout::Mjpeg, Layout::Yuyv, Layout::Nv12, Layout::Rgb, Layout::Bgr]),
            width in 0u32..40, height in 0u32..40, bytes in prop::collection::vec(any::<u8>(), 0..5000),
        ) {
            if let Ok(picture) = (RawFrame { layout, width, height, bytes }).decode()
                && layout != Layout::Mjpeg
            {
                prop_assert_eq!(picture.dimensions(), (width, height));
            }
        }
    }
}
