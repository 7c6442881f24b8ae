//! A package that was damaged, shortened, reordered or swapped is refused before a word of it is read.
#![allow(clippy::unwrap_used)]

use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::ItemType;
use fengjuan_core::roster::{Accommodation, Candidate};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::package::{
    AllPackageKeys, PackageContent, PackagePlace, Section, VerifiedPackage, write_package,
};
use fengjuan_wire::{Hash32, SUITE, WireError};
use std::path::{Path, PathBuf};

struct World {
    folder: tempfile::TempDir,
    issuer: SigningKey,
    results: KemSecret,
    keys: AllPackageKeys,
}

fn place(site: &str, version: u32) -> PackagePlace {
    PackagePlace {
        suite: SUITE.to_owned(),
        plan_no: "P1".to_owned(),
        sitting_no: "S1".to_owned(),
        site: site.to_owned(),
        version,
        class_no: "A".to_owned(),
    }
}

fn index_entry(number: u32) -> ItemIndexEntry {
    ItemIndexEntry {
        item_no: format!("LV{number:04}"),
        item_type: ItemType::SingleChoice,
        options: 4,
        shuffle: true,
        knowledge_point: "安全电压".to_owned(),
        case_no: None,
        bank_points: 1,
        media: vec![],
    }
}

fn item(number: u32) -> Item {
    let option = |text: &str| ItemOption {
        text: text.to_owned(),
        media: None,
    };
    Item {
        item_no: format!("LV{number:04}"),
        item_type: ItemType::SingleChoice,
        stem: format!("第{number}题的题干"),
        stem_media: None,
        options: ["甲", "乙", "丙", "丁"].map(option).to_vec(),
        case_text: None,
    }
}

fn candidate() -> Candidate {
    Candidate {
        ticket_no: "3708261120010001".to_owned(),
        name: "王建国".to_owned(),
        sex: "男".to_owned(),
        id_type: "身份证".to_owned(),
        id_no: "990101197001010018".to_owned(),
        seat_no: 1,
        class_no: "A".to_owned(),
        employer: String::new(),
        training_org: String::new(),
        photo: 0,
        accommodation: Accommodation::default(),
    }
}

impl World {
    fn new() -> World {
        let keys = AllPackageKeys {
            paper_key: [1; 32],
            roster_key: [2; 32],
            answers_key: [3; 32],
            draw_seed: [4; 32],
            snapshot_seed: [5; 32],
        };
        World {
            folder: tempfile::tempdir().unwrap(),
            issuer: SigningKey::generate().unwrap(),
            results: KemSecret::generate().unwrap(),
            keys,
        }
    }

    fn write(&self, name: &str, site: &str, version: u32) -> (PathBuf, Hash32) {
        let path = self.folder.path().join(name);
        let index: Vec<_> = (0..3).map(index_entry).collect();
        let items: Vec<_> = (0..3).map(item).collect();
        let content = PackageContent {
            index: &index,
            items: &items,
            media: &[vec![7; 200_000], vec![8; 10]],
            candidates: &[candidate()],
            photos: &[vec![9; 5000]],
            answers: &AnswerKeys {
                keys: vec![OptionSet::single(1); 3],
            },
        };
        let (hash, _) = write_package(
            &path,
            &place(site, version),
            &content,
            &self.keys,
            &self.results.public(),
            &self.issuer,
        )
        .unwrap();
        (path, hash)
    }

    /// Opens and reads every section, as a device would before and during an exam.
    fn read_all(&self, path: &Path) -> Result<(), WireError> {
        let package = VerifiedPackage::open(path, &self.issuer.public())?;
        let paper = SecretKey::from_bytes(self.keys.paper_key);
        let roster = SecretKey::from_bytes(self.keys.roster_key);
        package.index(&paper)?;
        for number in 0..3 {
            assert_eq!(package.item(number, &paper)?, item(number));
        }
        assert_eq!(package.media(0, &paper)?.len(), 200_000);
        package.media(1, &paper)?;
        assert_eq!(package.roster(&roster)?, vec![candidate()]);
        package.photo(0, &roster)?;
        package.answers(&SecretKey::from_bytes(self.keys.answers_key))?;
        Ok(())
    }
}

#[test]
fn a_package_opens_item_by_item_and_with_the_results_key() {
    let world = World::new();
    let (path, hash) = world.write("p", "S01", 1);
    world.read_all(&path).unwrap();
    let package = VerifiedPackage::open(&path, &world.issuer.public()).unwrap();
    package.verify_whole(&hash).unwrap();
    assert_eq!(
        package.center_keys(&world.results).unwrap().draw_seed,
        world.keys.draw_seed
    );
    assert!(package.verify_whole(&Hash32([0; 32])).is_err());
    let wrong = SecretKey::from_bytes([9; 32]);
    assert!(matches!(package.item(0, &wrong), Err(WireError::Seal(_))));
}

#[test]
fn a_flipped_bit_in_any_section_is_refused() {
    let world = World::new();
    let (path, hash) = world.write("p", "S01", 1);
    let clean = std::fs::read(&path).unwrap();
    let package = VerifiedPackage::open(&path, &world.issuer.public()).unwrap();
    let body: u64 = package
        .header
        .messages
        .iter()
        .map(|m| u64::from(m.bytes))
        .sum();
    let mut at = clean.len() as u64 - body;
    // The front: magic, length, signed header; then the first, middle and last byte of every message.
    let mut places: Vec<u64> = (0..12).chain((12..at).step_by(37)).collect();
    for message in &package.header.messages {
        let last = u64::from(message.bytes) - 1;
        places.extend([at, at + last / 2, at + last]);
        at += last + 1;
    }
    let damaged = world.folder.path().join("damaged");
    for place in places {
        for bit in [0x01, 0x80] {
            let mut bytes = clean.clone();
            bytes[place as usize] ^= bit;
            std::fs::write(&damaged, &bytes).unwrap();
            assert!(
                world.read_all(&damaged).is_err(),
                "byte {place}, bit {bit:#x} was not noticed"
            );
            let whole = VerifiedPackage::open(&damaged, &world.issuer.public())
                .and_then(|p| p.verify_whole(&hash));
            assert!(
                whole.is_err(),
                "byte {place} was not noticed by the whole hash"
            );
        }
    }
}

#[test]
fn a_truncated_or_longer_package_is_refused() {
    let world = World::new();
    let (path, _) = world.write("p", "S01", 1);
    let clean = std::fs::read(&path).unwrap();
    let damaged = world.folder.path().join("damaged");
    for length in [0, 1, 11, 12, 100, clean.len() / 2, clean.len() - 1] {
        std::fs::write(&damaged, &clean[..length]).unwrap();
        assert!(
            VerifiedPackage::open(&damaged, &world.issuer.public()).is_err(),
            "{length} bytes"
        );
    }
    std::fs::write(&damaged, [clean.as_slice(), &[0]].concat()).unwrap();
    assert!(VerifiedPackage::open(&damaged, &world.issuer.public()).is_err());
}

/// Cuts a package file into its front and its messages.
fn parts(world: &World, path: &Path) -> (Vec<u8>, Vec<(Section, Vec<u8>)>) {
    let bytes = std::fs::read(path).unwrap();
    let package = VerifiedPackage::open(path, &world.issuer.public()).unwrap();
    let body: usize = package
        .header
        .messages
        .iter()
        .map(|m| m.bytes as usize)
        .sum();
    let mut at = bytes.len() - body;
    let front = bytes[..at].to_vec();
    let mut messages = Vec::new();
    for message in &package.header.messages {
        messages.push((
            message.section,
            bytes[at..at + message.bytes as usize].to_vec(),
        ));
        at += message.bytes as usize;
    }
    (front, messages)
}

fn join(front: &[u8], messages: &[(Section, Vec<u8>)]) -> Vec<u8> {
    messages.iter().fold(front.to_vec(), |mut all, (_, bytes)| {
        all.extend_from_slice(bytes);
        all
    })
}

#[test]
fn reordered_messages_are_refused() {
    let world = World::new();
    let (path, _) = world.write("p", "S01", 1);
    let (front, messages) = parts(&world, &path);
    let damaged = world.folder.path().join("damaged");
    for first in 0..messages.len() - 1 {
        let mut swapped = messages.clone();
        swapped.swap(first, first + 1);
        std::fs::write(&damaged, join(&front, &swapped)).unwrap();
        assert!(
            world.read_all(&damaged).is_err(),
            "messages {first} and the next swapped"
        );
    }
}

#[test]
fn sections_of_another_site_or_an_older_version_are_refused() {
    let world = World::new();
    let (path, _) = world.write("p", "S01", 2);
    let (front, messages) = parts(&world, &path);
    for (name, site, version) in [("another site", "S02", 2), ("an older version", "S01", 1)] {
        let (other, _) = world.write("other", site, version);
        let (_, foreign) = parts(&world, &other);
        let damaged = world.folder.path().join("damaged");
        for place in 0..messages.len() {
            let mut mixed = messages.clone();
            mixed[place] = foreign[place].clone();
            std::fs::write(&damaged, join(&front, &mixed)).unwrap();
            assert!(
                world.read_all(&damaged).is_err(),
                "section {:?} of {name}",
                messages[place].0
            );
        }
    }
}

#[test]
fn a_message_under_the_right_key_in_the_wrong_place_does_not_open() {
    // Even with the header re-signed by the issuer, the context of each message names its section and number.
    let world = World::new();
    let (path, _) = world.write("p", "S01", 1);
    let (_, mut messages) = parts(&world, &path);
    let mut header = VerifiedPackage::open(&path, &world.issuer.public())
        .unwrap()
        .header;
    messages.swap(1, 2);
    let (one, two) = (header.messages[1], header.messages[2]);
    header.messages[1].hash = two.hash;
    header.messages[1].bytes = two.bytes;
    header.messages[2].hash = one.hash;
    header.messages[2].bytes = one.bytes;
    let signed = fengjuan_wire::Signed::sign(&header, &world.issuer).unwrap();
    let mut front = b"FJPKG1\0\n".to_vec();
    front.extend_from_slice(&(signed.len() as u32).to_be_bytes());
    front.extend_from_slice(&signed);
    let damaged = world.folder.path().join("damaged");
    std::fs::write(&damaged, join(&front, &messages)).unwrap();
    assert!(matches!(world.read_all(&damaged), Err(WireError::Seal(_))));
}

#[test]
fn another_issuers_package_is_refused() {
    let world = World::new();
    let (path, _) = world.write("p", "S01", 1);
    let stranger = SigningKey::generate().unwrap();
    assert!(matches!(
        VerifiedPackage::open(&path, &stranger.public()),
        Err(WireError::Signature(_))
    ));
}
