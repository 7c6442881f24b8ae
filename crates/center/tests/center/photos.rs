//! Photos that are no photos: too small, too large, of another kind.

use crate::day::{Day, fixtures, plan_text};
use fengjuan_center::CenterError;
use fengjuan_center::plan::{self, PlanFiles};
use image::{ImageFormat, RgbImage};
use std::fs;
use std::io::Cursor;

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 9]))
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

fn import(day: &Day, photo: &[u8]) -> Result<plan::ImportedPlan, CenterError> {
    let folder = day.dir.path().join("photos");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(fixtures("roster/photos")).unwrap() {
        let entry = entry.unwrap().path();
        fs::copy(&entry, folder.join(entry.file_name().unwrap())).unwrap();
    }
    fs::write(folder.join("3708261120010001.jpg"), photo).unwrap();
    let plan = day.dir.path().join("plan.toml");
    fs::write(&plan, plan_text()).unwrap();
    let from = PlanFiles {
        plan: &plan,
        roster: &fixtures("roster/roster.xlsx"),
        photos: &folder,
    };
    plan::import(&mut day.home.database().unwrap(), "中心", &from, 1)
}

#[test]
fn each_is_refused_by_name() {
    let day = Day::with_banks();
    let mut heavy = picture(200, 240, ImageFormat::Jpeg);
    heavy.resize(3 * 1024 * 1024, 0);
    let cases = [
        ("picture.too_small", picture(60, 80, ImageFormat::Jpeg)),
        ("picture.too_large", picture(3001, 200, ImageFormat::Jpeg)),
        ("picture.too_many_bytes", heavy),
        (
            "picture.not_a_picture",
            b"GIF89a not one that is read here".to_vec(),
        ),
        ("picture.not_a_picture", Vec::new()),
    ];
    for (code, photo) in cases {
        let Err(CenterError::Faults(faults)) = import(&day, &photo) else {
            panic!("{code}: taken over")
        };
        let found: Vec<_> = faults
            .list
            .iter()
            .map(|fault| (fault.reason.code, fault.row, fault.column.as_str()))
            .collect();
        assert_eq!(found, [(code, Some(2), "照片")]);
    }
}

#[test]
fn a_png_becomes_a_jpeg() {
    let day = Day::with_banks();
    import(&day, &picture(200, 240, ImageFormat::Png)).unwrap();
    let people =
        plan::candidates(&day.home.database().unwrap(), crate::day::SITTING, "C1").unwrap();
    assert!(people[0].1.starts_with(&[0xff, 0xd8]));
}
