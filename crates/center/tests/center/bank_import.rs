use crate::day::{Day, fixtures};
use fengjuan_center::fault::Fault;
use fengjuan_center::{CenterError, bank};
use fengjuan_core::draw::check_blueprint;
use fengjuan_core::plan::{Blueprint, BlueprintPart, ItemType, PartialCredit};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Row, column and English reason of each fault.
pub type Places = Vec<(Option<u32>, String, String)>;

pub fn expected() -> BTreeMap<String, Places> {
    let mut reader = csv::Reader::from_path(fixtures("hostile/expected.csv")).unwrap();
    let mut all: BTreeMap<String, Places> = BTreeMap::new();
    for record in reader.records() {
        let record = record.unwrap();
        let place = (
            record[1].parse().ok(),
            record[2].to_owned(),
            record[3].to_owned(),
        );
        all.entry(record[0].to_owned()).or_default().push(place);
    }
    all
}

pub fn places(faults: &[Fault]) -> Places {
    faults
        .iter()
        .map(|fault| (fault.row, fault.column.clone(), fault.reason.en.clone()))
        .collect()
}

fn import(day: &Day, file: &Path, pictures: Option<&Path>) -> Result<bank::Imported, CenterError> {
    bank::import(&mut day.home.database().unwrap(), file, "X", pictures, 7)
}

#[test]
fn every_hostile_bank_is_reported_whole_and_leaves_nothing() {
    let day = Day::bare();
    let conn = day.home.database().unwrap();
    let mut checked = 0;
    for (file, wanted) in expected()
        .iter()
        .filter(|(file, _)| file.starts_with("bank-"))
    {
        let refused = import(
            &day,
            &fixtures("hostile").join(file),
            Some(&fixtures("hostile")),
        );
        let Err(CenterError::Faults(faults)) = refused else {
            panic!("{file}: {refused:?}")
        };
        assert_eq!(&places(&faults.list), wanted, "{file}");
        assert!(
            faults
                .list
                .iter()
                .all(|fault| !fault.reason.zh.is_empty() && fault.reason.code.contains('.'))
        );
        for table in ["bank_items", "bank_revisions", "pictures"] {
            let rows: u32 = conn
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(rows, 0, "{file} left rows in {table}");
        }
        checked += 1;
    }
    assert!(checked >= 25, "{checked} files");
}

#[test]
fn good_files_in_every_encoding() {
    let day = Day::bare();
    for file in ["bank-gb18030.csv", "bank-utf8-bom.csv"] {
        let imported = import(
            &day,
            &fixtures("hostile").join(file),
            Some(&fixtures("hostile")),
        )
        .unwrap();
        assert!(imported.items > 0);
    }
    let conn = day.home.database().unwrap();
    let items = bank::items(&conn, "X").unwrap();
    assert!(
        items.iter().all(|item| item
            .stem
            .chars()
            .any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c))),
        "{items:?}"
    );
}

#[test]
fn csv_and_workbook_give_the_same_bank() {
    let day = Day::bare();
    let mut conn = day.home.database().unwrap();
    let pictures = fixtures("bank/pictures");
    bank::import(
        &mut conn,
        &fixtures("bank/low-voltage.csv"),
        "A",
        Some(&pictures),
        7,
    )
    .unwrap();
    bank::import(
        &mut conn,
        &fixtures("bank/low-voltage.xlsx"),
        "B",
        Some(&pictures),
        7,
    )
    .unwrap();
    let (a, b) = (
        bank::items(&conn, "A").unwrap(),
        bank::items(&conn, "B").unwrap(),
    );
    assert_eq!(a, b);
    assert!(a.len() >= 320);
    assert!(
        a.iter()
            .filter(|item| item.case_no.is_some())
            .all(|item| item.case_text.is_some())
    );
    assert!(
        a.iter()
            .filter(|item| item.item_type == ItemType::TrueFalse)
            .all(|item| item.options.len() == 2)
    );
}

#[test]
fn pictures_come_from_a_zip_too() {
    let day = Day::bare();
    let path = day.dir.path().join("pictures.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for entry in fs::read_dir(fixtures("bank/pictures")).unwrap() {
        let entry = entry.unwrap().path();
        let name = format!("pictures/{}", entry.file_name().unwrap().to_string_lossy());
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&fs::read(&entry).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let imported = import(&day, &fixtures("bank/low-voltage.csv"), Some(&path)).unwrap();
    assert_eq!(imported.pictures, 23);
}

#[test]
fn a_zip_that_climbs_out_of_its_folder_is_refused() {
    let day = Day::bare();
    let path = day.dir.path().join("evil.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file("../../evil.png", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"x").unwrap();
    zip.finish().unwrap();
    let Err(CenterError::Faults(faults)) =
        import(&day, &fixtures("bank/safety-manager.csv"), Some(&path))
    else {
        panic!("taken over")
    };
    assert_eq!(faults.list[0].reason.code, "zip.outside");
}

#[test]
fn importing_again_replaces_by_number_and_keeps_the_earlier_words() {
    let day = Day::with_banks();
    let mut conn = day.home.database().unwrap();
    let before = bank::items(&conn, "SM").unwrap();
    let text = fs::read_to_string(fixtures("bank/safety-manager.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = lines[1].replacen(&before[0].stem, "改过的题干。", 1);
    let path = day.dir.path().join("again.csv");
    fs::write(&path, format!("{}\n{changed}\n", lines[0])).unwrap();
    let imported = bank::import(&mut conn, &path, "SM", None, 8).unwrap();
    assert_eq!(
        (
            imported.revision,
            imported.items,
            imported.replaced,
            imported.total
        ),
        (2, 1, 1, before.len() as u32)
    );
    let after = bank::items(&conn, "SM").unwrap();
    assert_eq!(after[0].stem, "改过的题干。");
    assert_eq!(after[1..], before[1..]);
    let kept: u32 = conn
        .query_row(
            "SELECT count(*) FROM bank_items WHERE bank = 'SM'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, before.len() as u32 + 1);
}

#[test]
fn a_bank_knows_what_it_cannot_fill() {
    let day = Day::with_banks();
    let conn = day.home.database().unwrap();
    let index = bank::index(&bank::items(&conn, "SM").unwrap());
    let part = |count| BlueprintPart {
        item_type: ItemType::MultipleChoice,
        count,
        half_points_each: 4,
        partial_credit: PartialCredit::None,
        cases: false,
        at_least: Vec::new(),
    };
    let blueprint = |count| Blueprint {
        parts: vec![part(count)],
        pass_mark_half_points: 1,
    };
    assert!(check_blueprint(&index, &blueprint(10)).is_ok());
    assert!(check_blueprint(&index, &blueprint(17)).is_err());
}
