//! A center with the example banks and plan, and devices of its site.

use fengjuan_center::plan::PlanFiles;
use fengjuan_center::release::{self, Half, ReleaseRequest};
use fengjuan_center::{Home, bank, device, issue, plan};
use fengjuan_envelope::code::Code;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const SITTING: &str = "JN2026-1121-R01-A";
/// 2026-11-21T09:00:00+08:00.
pub const START_MS: i64 = 1_795_222_800_000;

pub fn fixtures(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(path)
}

pub struct Day {
    pub dir: TempDir,
    pub home: Home,
}

impl Day {
    /// Keys and database only.
    pub fn bare() -> Day {
        let dir = tempfile::tempdir().unwrap();
        let home =
            Home::init(&dir.path().join("home"), "jining", "济宁市安全生产考试中心").unwrap();
        Day { dir, home }
    }

    pub fn with_banks() -> Day {
        let day = Day::bare();
        let mut conn = day.home.database().unwrap();
        bank::import(&mut conn, &fixtures("bank/low-voltage.csv"), "LV", None, 1).unwrap();
        bank::import(
            &mut conn,
            &fixtures("bank/safety-manager.csv"),
            "SM",
            None,
            1,
        )
        .unwrap();
        day
    }

    /// Banks, the example plan and its roster.
    pub fn planned() -> Day {
        let day = Day::with_banks();
        day.import(&plan_text(), &fixtures("roster/roster.xlsx"))
            .unwrap();
        day
    }

    pub fn import(
        &self,
        plan_text: &str,
        roster: &Path,
    ) -> Result<plan::ImportedPlan, fengjuan_center::CenterError> {
        let path = self.dir.path().join("plan.toml");
        fs::write(&path, plan_text).unwrap();
        let from = PlanFiles {
            plan: &path,
            roster,
            photos: &fixtures("roster/photos"),
        };
        plan::import(
            &mut self.home.database().unwrap(),
            "济宁市安全生产考试中心",
            &from,
            1,
        )
    }

    pub fn enrol(&self, device: &Device) -> EnrolReply {
        device::enrol(&mut self.home.database().unwrap(), &device.request(), 1).unwrap()
    }

    pub fn approved(&self, seed: u8) -> Device {
        let device = Device::new(seed);
        let EnrolReply::Pending { fingerprint } = self.enrol(&device) else {
            panic!("not pending")
        };
        device::approve(&self.home, &fingerprint, "周国华", 2).unwrap();
        device
    }

    pub fn issued(&self) -> issue::Issued {
        issue::issue(&self.home, SITTING, 3).unwrap()
    }

    pub fn document(&self, version: u32) -> SittingDocument {
        issue::document(&self.home, &self.home.database().unwrap(), SITTING, version).unwrap()
    }

    pub fn grant(&self, device: &Device, version: u32) -> Option<Grant> {
        let conn = self.home.database().unwrap();
        let sql = "SELECT hash FROM objects WHERE kind = 'grant' AND version = ?1 AND device = ?2";
        let row = conn.query_row(
            sql,
            rusqlite::params![version, device.sign.public().as_bytes()],
            |row| row.get::<_, [u8; 32]>(0),
        );
        let hash = fengjuan_wire::Hash32(row.ok()?);
        let bytes = fs::read(self.home.object(&hash)).unwrap();
        Some(Grant::verify(&self.home.directory().issuer, &bytes).unwrap())
    }

    /// The key that the released codes give.
    pub fn code_key(&self, document: &SittingDocument) -> SecretKey {
        let release = |half, to| {
            let request = ReleaseRequest {
                sitting_no: SITTING,
                half,
                to,
                early_reason: Some("演练"),
            };
            release::release(&self.home, &request, 4).unwrap()
        };
        let slips = if document.sitting.two_person_code {
            vec![
                release(Some(Half::First), "张海燕"),
                release(Some(Half::Second), "刘志强"),
            ]
        } else {
            vec![release(None, "张海燕")]
        };
        let mut joined = Vec::new();
        for slip in &slips {
            let groups: [&str; 4] = std::array::from_fn(|group| slip.code[group].as_str());
            joined.extend_from_slice(&Code::parse_groups(&groups).unwrap().secret_bytes());
        }
        let salt: [u8; 16] = document.code_salt.as_slice().try_into().unwrap();
        kdf::derive(&joined, &salt, document.code_kdf).unwrap()
    }
}

pub fn plan_text() -> String {
    fs::read_to_string(fixtures("plan/day.toml")).unwrap()
}

/// A machine at the site.
pub struct Device {
    pub sign: SigningKey,
    pub kem: KemSecret,
    pub machine: Vec<u8>,
    pub name: String,
}

impl Device {
    pub fn new(seed: u8) -> Device {
        Device {
            sign: SigningKey::from_seed(&[seed; 32]),
            kem: KemSecret::generate().unwrap(),
            machine: vec![seed; 32],
            name: format!("考试机{seed}"),
        }
    }

    pub fn request(&self) -> EnrolRequest {
        EnrolRequest {
            device_name: self.name.clone(),
            site: "S01".to_owned(),
            sign: self.sign.public(),
            kem: self.kem.public(),
            machine: self.machine.clone(),
            hub: None,
        }
    }
}
