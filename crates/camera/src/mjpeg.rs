//! Motion JPEG: one picture out of a driver's buffer (ITU-T T.81).
//!
//! A webcam's frame differs from a JPEG file in two ways: the Huffman tables may be left out, the
//! usual ones of T.81 Annex K being meant; and the buffer goes on behind the end marker with
//! whatever an older frame left there. A frame that a cable cut short has no end marker at all,
//! and decoders fill the missing part with grey without a word, so it is refused here.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder, RgbImage};

use crate::CameraFault;
use crate::frame::check_size;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DHT: u8 = 0xC4;

/// Where one picture lies in a buffer.
#[derive(Debug, PartialEq, Eq)]
struct Bounds {
    start: usize,
    /// Behind the end marker.
    end: usize,
    has_tables: bool,
}

fn damaged(what: &str) -> CameraFault {
    CameraFault::Format(format!("MJPEG: {what}"))
}

/// Decodes the picture in a buffer.
///
/// # Errors
/// [`CameraFault::Format`] where there is no whole picture.
pub(crate) fn decode(buffer: &[u8]) -> Result<RgbImage, CameraFault> {
    let bounds = bounds(buffer)?;
    let picture = buffer.get(bounds.start..bounds.end).unwrap_or_default();
    let spliced;
    let whole = if bounds.has_tables {
        picture
    } else {
        spliced = with_usual_tables(picture);
        &spliced
    };
    let read = |cause: image::ImageError| damaged(&cause.to_string());
    let decoder = JpegDecoder::new(Cursor::new(whole)).map_err(read)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    Ok(DynamicImage::from_decoder(decoder).map_err(read)?.to_rgb8())
}

/// Walks the markers from the first start of image to its end marker. Searching for the bytes of
/// the end marker alone would find the one of a thumbnail, or of a stale frame.
fn bounds(buffer: &[u8]) -> Result<Bounds, CameraFault> {
    let start = buffer
        .windows(2)
        .position(|pair| pair == [0xFF, SOI])
        .ok_or_else(|| damaged("no picture starts"))?;
    let cut_short = || damaged("half a frame, no end marker");
    let mut at = start + 2;
    let mut has_tables = false;
    loop {
        if buffer.get(at).ok_or_else(cut_short)? != &0xFF {
            return Err(damaged("bytes between two markers"));
        }
        // Any number of fill bytes may stand before a marker (T.81 B.1.1.2).
        while buffer.get(at) == Some(&0xFF) {
            at += 1;
        }
        let marker = *buffer.get(at).ok_or_else(cut_short)?;
        at += 1;
        match marker {
            EOI => {
                return Ok(Bounds {
                    start,
                    end: at,
                    has_tables,
                });
            }
            SOI | 0x00 => return Err(damaged("a marker out of place")),
            0x01 | 0xD0..=0xD7 => continue, // stand alone, without a length
            DHT => has_tables = true,
            _ => {}
        }
        let length = match buffer.get(at..at + 2) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(cut_short()),
        };
        if length < 2 {
            return Err(damaged("a segment shorter than its length"));
        }
        at += length;
        if marker == SOS {
            at = after_scan(buffer, at).ok_or_else(cut_short)?;
        }
    }
}

/// The next marker behind entropy-coded data: stuffed zeros and restart markers belong to the data.
fn after_scan(buffer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += buffer.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match buffer.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            _ => return Some(at),
        }
    }
}

fn with_usual_tables(picture: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(picture.len() + 432);
    let (start, rest) = picture.split_at(picture.len().min(2));
    whole.extend_from_slice(start);
    for (class_and_id, counts, values) in USUAL_TABLES {
        let length = (2 + 1 + 16 + values.len()) as u16;
        whole.extend_from_slice(&[0xFF, DHT]);
        whole.extend_from_slice(&length.to_be_bytes());
        whole.push(class_and_id);
        whole.extend_from_slice(&counts);
        whole.extend_from_slice(values);
    }
    whole.extend_from_slice(rest);
    whole
}

/// Class and identifier, codes per length of 1 to 16 bits, values: T.81 tables K.3 to K.6.
const USUAL_TABLES: [(u8, [u8; 16], &[u8]); 4] = [
    (
        0x00,
        [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        &DC_VALUES,
    ),
    (
        0x10,
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        &AC_LUMINANCE,
    ),
    (
        0x01,
        [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        &DC_VALUES,
    ),
    (
        0x11,
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        &AC_CHROMINANCE,
    ),
];

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

#[rustfmt::skip]
const AC_LUMINANCE: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[rustfmt::skip]
const AC_CHROMINANCE: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[cfg(test)]
mod tests;
