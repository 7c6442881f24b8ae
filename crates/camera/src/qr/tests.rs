//! The code that a station draws on its page, seen by a camera that is not held well.

use super::*;
use image::{Rgb, imageops};
use proptest::prelude::*;
use std::sync::LazyLock;

/// What the station's page draws for the text in its first line; the page's own test keeps it so.
const STATION: &str = include_str!("../../../../fixtures/qr/station.txt");

fn text() -> &'static str {
    STATION.lines().next().unwrap()
}

/// Whether a place of the drawn code is dark, with the light border of four modules around it.
fn dark(x: usize, y: usize) -> bool {
    let row = y.checked_sub(4).and_then(|y| ROWS.get(y));
    let module = row.and_then(|row| row.get(x.checked_sub(4)?));
    module == Some(&b'#')
}

fn side() -> usize {
    ROWS.len() + 8
}

static ROWS: LazyLock<Vec<&[u8]>> =
    LazyLock::new(|| STATION.lines().skip(2).map(str::as_bytes).collect());

/// How a code is held up.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Pixels of one module, in the middle of the picture.
    module: f64,
    /// Degrees by which it is turned.
    turned: f64,
    /// How much smaller its far edge looks than its near one: 0 is straight on.
    tilted: f64,
    /// Standard deviation in pixels.
    blurred: f32,
    /// Most that a pixel is off.
    noise: u8,
    /// Luma of ink and paper.
    ink: u8,
    paper: u8,
}

const STRAIGHT: Held = Held {
    module: 6.0,
    turned: 0.0,
    tilted: 0.0,
    blurred: 0.0,
    noise: 0,
    ink: 20,
    paper: 235,
};

/// A 640×480 picture of it against a grey wall.
fn seen(held: Held, seed: u64) -> RgbImage {
    let (sin, cos) = held.turned.to_radians().sin_cos();
    let half = side() as f64 / 2.0;
    let mut rng = seed | 1;
    let mut noise = move || {
        // Xorshift (Marsaglia, 2003).
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        let span = i64::from(held.noise) * 2 + 1;
        (rng >> 20) as i64 % span - i64::from(held.noise)
    };
    let lit = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) - 320.0, f64::from(y) - 240.0);
        let (x, y) = (x * cos - y * sin, x * sin + y * cos);
        // Farther away at the top: lines that run there come together.
        let far = 1.0 - held.tilted * y / (held.module * half * 2.0);
        let (x, y) = (x / held.module * far + half, y / held.module * far + half);
        if x < 0.0 || y < 0.0 || x >= side() as f64 || y >= side() as f64 {
            return 128;
        }
        match dark(x as usize, y as usize) {
            true => held.ink,
            false => held.paper,
        }
    };
    let sharp = RgbImage::from_fn(640, 480, |x, y| Rgb([lit(x, y); 3]));
    let mut picture = match held.blurred > 0.0 {
        true => imageops::blur(&sharp, held.blurred),
        false => sharp,
    };
    for pixel in picture.pixels_mut() {
        let off = noise();
        pixel.0 = pixel
            .0
            .map(|one| (i64::from(one) + off).clamp(0, 255) as u8);
    }
    picture
}

#[test]
fn the_station_s_code_is_read_as_it_is_held_up() {
    let ways = [
        STRAIGHT,
        Held {
            module: 9.0,
            ..STRAIGHT
        },
        Held {
            module: 3.0,
            ..STRAIGHT
        },
        Held {
            turned: 12.0,
            ..STRAIGHT
        },
        Held {
            turned: 90.0,
            ..STRAIGHT
        },
        Held {
            turned: 200.0,
            ..STRAIGHT
        },
        Held {
            tilted: 0.25,
            ..STRAIGHT
        },
        Held {
            blurred: 1.5,
            ..STRAIGHT
        },
        Held {
            noise: 40,
            ..STRAIGHT
        },
        Held {
            ink: 90,
            paper: 160,
            ..STRAIGHT
        },
        Held {
            module: 5.0,
            turned: 8.0,
            tilted: 0.15,
            blurred: 1.0,
            noise: 15,
            ink: 60,
            paper: 200,
        },
    ];
    for held in ways {
        assert_eq!(qr_texts(&seen(held, 20_261_120)), [text()], "{held:?}");
    }
}

#[test]
fn what_is_no_code_is_read_as_none() {
    let pattern = crate::PatternSource::new();
    let shot = crate::ShotRequest::vga();
    let bars = crate::CameraSource::take(&pattern, crate::PATTERN_ID, &shot).unwrap();
    let too_far = seen(
        Held {
            module: 1.2,
            ..STRAIGHT
        },
        1,
    );
    let moved = seen(
        Held {
            blurred: 9.0,
            ..STRAIGHT
        },
        1,
    );
    let mut torn = seen(STRAIGHT, 1);
    imageops::replace(&mut torn, &RgbImage::new(200, 480), 340, 0);
    for (at, picture) in [
        bars,
        too_far,
        moved,
        torn,
        RgbImage::new(640, 480),
        RgbImage::new(0, 0),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(qr_texts(picture), Vec::<String>::new(), "picture {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_picture_is_too_much(
        width in 0u32..120,
        height in 0u32..120,
        seed: u64,
        grain in 1u32..9,
    ) {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let place = u64::from(x / grain) << 32 | u64::from(y / grain);
            let mixed = (place ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Rgb([(mixed >> 56) as u8; 3])
        });
        prop_assert_eq!(qr_texts(&picture), Vec::<String>::new());
    }

    #[test]
    fn a_code_is_read_right_or_not_at_all(
        module in 1.5f64..9.0,
        turned in 0.0f64..360.0,
        tilted in -0.6f64..0.6,
        blurred in 0.0f32..4.0,
        noise in 0u8..120,
        seed: u64,
    ) {
        let held = Held { module, turned, tilted, blurred, noise, ..STRAIGHT };
        for read in qr_texts(&seen(held, seed)) {
            prop_assert_eq!(read, text());
        }
    }
}
