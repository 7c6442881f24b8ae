use proptest::prelude::*;

use super::*;
use crate::encode_jpeg;

/// A picture whose scan has stuffed zeros in it.
fn sample() -> Vec<u8> {
    let picture = RgbImage::from_fn(96, 64, |x, y| {
        image::Rgb([
            ((x * 37) ^ (y * 91)) as u8,
            (x * y) as u8,
            (x * 5 + y * 3) as u8,
        ])
    });
    encode_jpeg(&picture, 90).unwrap()
}

/// Every segment from the start of image to the scan, as (marker, whole segment).
fn segments(jpeg: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 2;
    while jpeg[at + 1] != SOS {
        let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        found.push((jpeg[at + 1], jpeg[at..at + length].to_vec()));
        at += length;
    }
    found.push((SOS, jpeg[at..].to_vec()));
    found
}

fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let kept = segments(jpeg)
        .into_iter()
        .filter(|(marker, _)| *marker != DHT);
    [0xFF, SOI]
        .into_iter()
        .chain(kept.flat_map(|(_, bytes)| bytes))
        .collect()
}

#[test]
fn the_usual_tables_are_those_that_an_independent_encoder_writes() {
    let mut theirs = Vec::new();
    for (_, segment) in segments(&sample())
        .into_iter()
        .filter(|(marker, _)| *marker == DHT)
    {
        // One segment may hold several tables.
        let mut rest = &segment[4..];
        while !rest.is_empty() {
            let values = rest[1..17].iter().map(|n| usize::from(*n)).sum::<usize>();
            theirs.push((
                rest[0],
                rest[1..17].to_vec(),
                rest[17..17 + values].to_vec(),
            ));
            rest = &rest[17 + values..];
        }
    }
    let mut ours: Vec<_> = USUAL_TABLES
        .map(|(id, c, v)| (id, c.to_vec(), v.to_vec()))
        .to_vec();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn a_frame_without_tables_shows_the_same_pixels() {
    let jpeg = sample();
    let bare = without_tables(&jpeg);
    assert!(bare.len() + 400 < jpeg.len());
    assert!(!bounds(&bare).unwrap().has_tables);
    assert_eq!(decode(&bare).unwrap(), decode(&jpeg).unwrap());
}

#[test]
fn stale_bytes_before_and_behind_the_picture_change_nothing() {
    let jpeg = sample();
    let clean = decode(&jpeg).unwrap();
    let stale = [
        &[0u8, 0xFF, 0x00][..],
        &jpeg,
        &jpeg[jpeg.len() / 2..],
        &[0xFF, EOI, 0, 0],
    ]
    .concat();
    let found = bounds(&stale).unwrap();
    assert_eq!((found.start, found.end), (3, 3 + jpeg.len()));
    assert_eq!(decode(&stale).unwrap(), clean);
}

#[test]
fn an_end_marker_inside_a_segment_does_not_end_the_picture() {
    let jpeg = sample();
    let thumbnail = [0xFF, 0xE1, 0, 8, 0xFF, SOI, 0xFF, EOI, 0, 0];
    let with_thumbnail = [&jpeg[..2], &thumbnail, &jpeg[2..]].concat();
    assert_eq!(bounds(&with_thumbnail).unwrap().end, with_thumbnail.len());
    assert_eq!(decode(&with_thumbnail).unwrap(), decode(&jpeg).unwrap());
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    let jpeg = sample();
    for length in 0..jpeg.len() {
        let fault = decode(&jpeg[..length]).unwrap_err();
        assert_eq!(fault.code(), "camera.format", "cut at {length}");
    }
    assert!(decode(&jpeg).is_ok());
}

#[test]
fn a_header_that_claims_a_huge_picture_is_refused() {
    let mut jpeg = sample();
    let frame_header = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    jpeg[frame_header + 5..frame_header + 9].fill(0xFF);
    assert_eq!(decode(&jpeg).unwrap_err().code(), "camera.format");
}

/// `usual`, or `FENGJUAN_CASES` where a campaign asks for more.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("FENGJUAN_CASES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2000)))]

    #[test]
    fn damage_never_panics(hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), bare: bool) {
        let mut jpeg = if bare { without_tables(&sample()) } else { sample() };
        for (place, value) in hits {
            let at = place.index(jpeg.len());
            jpeg[at] = value;
        }
        let _ = decode(&jpeg);
    }

    #[test]
    fn markers_in_any_order_never_panic(tail in prop::collection::vec(prop::sample::select(vec![0xFFu8, 0, 1, 2, SOI, EOI, SOS, DHT, 0xC0, 0xD3]), 0..300)) {
        let _ = decode(&[&[0xFF, SOI][..], &tail].concat());
    }
}
