//! Issuing a sitting: its packages, its signed document, one code slip, and the grants of its site's devices.

use crate::bank::{self, Pool};
use crate::device::DeviceState;
use crate::fault::Faults;
use crate::keys::KeyRole;
use crate::offer::{self, Place};
use crate::{CenterError, Home, device, files, hub, plan};
use fengjuan_core::draw::check_blueprint;
use fengjuan_core::plan::{AnswerRelease, ClassGroup, Sitting};
use fengjuan_envelope::code::Code;
use fengjuan_envelope::hpke::{self, KemPublic, KemSecret};
use fengjuan_envelope::kdf::{self, Argon2Params};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_envelope::{cbor, random_bytes};
use fengjuan_wire::grant::{self, CodeSlip, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::package::{self, AllPackageKeys, PackageContent, PackagePlace};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::OfferedKind;
use fengjuan_wire::{Hash32, SUITE, Signed};
use rusqlite::{Connection, TransactionBehavior, params};
use zeroize::{Zeroize, Zeroizing};

pub(crate) const SLIP_INFO: &[u8] = b"fengjuan/code-slip/1";

/// What was issued. The code is in nobody's sight: only `release` opens the slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub sitting_no: String,
    pub version: u32,
    /// Class group and package.
    pub packages: Vec<PackageRef>,
    pub candidates: u32,
    pub grants: u32,
}

/// Issues a sitting; again is a new version that supersedes the earlier ones, which stay valid for attempts in
/// progress and for results.
pub fn issue(home: &Home, sitting_no: &str, now_ms: i64) -> Result<Issued, CenterError> {
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut sitting = plan::sitting(&change, sitting_no)?;
    let sql = "SELECT coalesce(max(version), 0) + 1 FROM issues WHERE sitting_no = ?1";
    sitting.version = change.query_row(sql, [sitting_no], |row| row.get(0))?;
    let mut press = Press::new(home, &change, sitting)?;
    let issued = press.print(now_ms)?;
    change.commit()?;
    tracing::info!(
        sitting_no,
        version = issued.version,
        grants = issued.grants,
        "issued"
    );
    Ok(issued)
}

/// Issues every sitting that has not been issued yet.
pub fn issue_all(home: &Home, now_ms: i64) -> Result<Vec<Issued>, CenterError> {
    let conn = home.database()?;
    let mut all = Vec::new();
    for sitting in plan::sittings(&conn)? {
        let sql = "SELECT count(*) FROM issues WHERE sitting_no = ?1";
        let versions: u32 = conn.query_row(sql, [&sitting.sitting_no], |row| row.get(0))?;
        if versions == 0 {
            all.push(issue(home, &sitting.sitting_no, now_ms)?);
        }
    }
    Ok(all)
}

/// Everything that one issue needs at hand.
struct Press<'a> {
    home: &'a Home,
    conn: &'a Connection,
    sitting: Sitting,
    issuer: SigningKey,
    results: KemSecret,
    draw_seed: Zeroizing<[u8; 32]>,
    snapshot_seed: Zeroizing<[u8; 32]>,
    candidates: u32,
}

impl<'a> Press<'a> {
    fn new(
        home: &'a Home,
        conn: &'a Connection,
        sitting: Sitting,
    ) -> Result<Press<'a>, CenterError> {
        Ok(Press {
            issuer: home.keys().signing(KeyRole::Issuer)?,
            results: home.keys().results_or_new(&sitting.sitting_no)?,
            draw_seed: Zeroizing::new(random_bytes()?),
            snapshot_seed: Zeroizing::new(random_bytes()?),
            home,
            conn,
            sitting,
            candidates: 0,
        })
    }

    fn print(&mut self, now_ms: i64) -> Result<Issued, CenterError> {
        let mut packages = Vec::new();
        let mut keys = SittingKeys {
            snapshot_seed: *self.snapshot_seed,
            draw_seed: *self.draw_seed,
            packages: Vec::new(),
        };
        let mut roster_keys = RosterKeys { keys: Vec::new() };
        for class in self.sitting.class_groups.clone() {
            let all = AllPackageKeys {
                paper_key: random_bytes()?,
                roster_key: random_bytes()?,
                answers_key: random_bytes()?,
                draw_seed: *self.draw_seed,
                snapshot_seed: *self.snapshot_seed,
            };
            packages.push(self.package(&class, &all)?);
            let on_site = self.sitting.answer_release == AnswerRelease::OnSite;
            keys.packages.push(PackageKeys {
                class_no: class.class_no.clone(),
                paper_key: all.paper_key,
                answers_key: on_site.then_some(all.answers_key),
            });
            roster_keys.keys.push(RosterKey {
                class_no: class.class_no.clone(),
                key: all.roster_key,
            });
        }
        let code_salt: [u8; 16] = random_bytes()?;
        let (locked, slip) = self.lock(&keys, &code_salt)?;
        let document = SittingDocument {
            suite: SUITE.to_owned(),
            site: self.sitting.plan.site.clone(),
            sitting: self.sitting.clone(),
            packages: packages.clone(),
            results_key: self.results.public(),
            snapshot_seed_hash: fengjuan_wire::hash(self.snapshot_seed.as_ref()),
            draw_seed_hash: fengjuan_wire::hash(self.draw_seed.as_ref()),
            code_salt: code_salt.to_vec(),
            code_kdf: Argon2Params::CODE,
            delegates: hub::delegates(self.home, self.conn, &self.sitting, now_ms)?,
            issued_ms: now_ms,
        };
        let document = document.sign(&self.issuer)?;
        self.offer(OfferedKind::Sitting, &document)?;
        self.record(&document, &locked, &roster_keys, &slip, now_ms)?;
        let mut grants = 0;
        for device in device::list(self.conn)? {
            if device.state == DeviceState::Approved && device.site == self.sitting.plan.site {
                offer::grant(
                    self.home,
                    self.conn,
                    &self.issuer,
                    &device,
                    &self.sitting.sitting_no,
                    self.sitting.version,
                )?;
                grants += 1;
            }
        }
        Ok(Issued {
            sitting_no: self.sitting.sitting_no.clone(),
            version: self.sitting.version,
            packages,
            candidates: self.candidates,
            grants,
        })
    }

    fn package(
        &mut self,
        class: &ClassGroup,
        keys: &AllPackageKeys,
    ) -> Result<PackageRef, CenterError> {
        let sitting_no = &self.sitting.sitting_no;
        let bank = plan::bank_of(self.conn, sitting_no, &class.class_no)?;
        let pool = bank::pool(self.conn, &bank)?;
        self.check(class, &pool)?;
        let (candidates, photos): (Vec<_>, Vec<_>) =
            plan::candidates(self.conn, sitting_no, &class.class_no)?
                .into_iter()
                .unzip();
        self.candidates += candidates.len() as u32;
        let place = PackagePlace {
            suite: SUITE.to_owned(),
            plan_no: self.sitting.plan.plan_no.clone(),
            sitting_no: sitting_no.clone(),
            site: self.sitting.plan.site.clone(),
            version: self.sitting.version,
            class_no: class.class_no.clone(),
        };
        let content = PackageContent {
            index: &pool.index,
            items: &pool.items,
            media: &pool.media,
            candidates: &candidates,
            photos: &photos,
            answers: &pool.answers(),
        };
        let name = format!(
            "{sitting_no}.{}.{}.new",
            self.sitting.version, class.class_no
        );
        let written = self.home.path().join("objects").join(name);
        let (hash, bytes) = package::write_package(
            &written,
            &place,
            &content,
            keys,
            &self.results.public(),
            &self.issuer,
        )?;
        files::make_private(&written)?;
        files::rename_durably(&written, &self.home.object(&hash))?;
        let at = Place {
            sitting: &self.sitting,
            device: None,
        };
        offer::insert_object(self.conn, OfferedKind::Package, &hash, bytes, &at)?;
        Ok(PackageRef {
            class_no: class.class_no.clone(),
            hash,
            bytes,
        })
    }

    /// The bank may have changed since the plan was imported.
    fn check(&self, class: &ClassGroup, pool: &Pool) -> Result<(), CenterError> {
        let Err(shortages) = check_blueprint(&pool.index, &class.blueprint) else {
            return Ok(());
        };
        let mut faults = Faults::default();
        for shortage in shortages {
            let reason = bank::shortage_reason(class, &shortage);
            faults.add(
                &self.sitting.sitting_no,
                None,
                &format!("{}.part[{}]", class.class_no, shortage.part),
                reason,
            );
        }
        Err(CenterError::Faults(faults))
    }

    /// Locks the keys under fresh codes and seals the slip to the release key.
    fn lock(&self, keys: &SittingKeys, salt: &[u8; 16]) -> Result<(Vec<u8>, Vec<u8>), CenterError> {
        let Sitting {
            sitting_no,
            version,
            ..
        } = &self.sitting;
        let context = grant::sitting_context(&self.sitting.plan.site, sitting_no, *version)?;
        let count = if self.sitting.two_person_code { 2 } else { 1 };
        let codes = (0..count)
            .map(|_| Code::generate())
            .collect::<Result<Vec<_>, _>>()?;
        let mut joined = Zeroizing::new(Vec::new());
        for code in &codes {
            joined.extend_from_slice(&code.secret_bytes());
        }
        let code_key = kdf::derive(&joined, salt, Argon2Params::CODE)?;
        let locked = grant::lock_keys(keys, &code_key, &context)?;
        let mut groups: Vec<[String; 4]> = codes.iter().map(Code::to_groups).collect();
        let plain = Zeroizing::new(cbor::to_vec(&groups)?);
        groups.zeroize();
        let release: &KemPublic = &self.home.directory().release;
        let slip = CodeSlip {
            sitting_no: sitting_no.clone(),
            version: *version,
            sealed: hpke::seal_to(release, SLIP_INFO, &context, &plain)?,
        };
        Ok((locked, cbor::to_vec(&slip)?))
    }

    fn offer(&self, kind: OfferedKind, bytes: &[u8]) -> Result<Hash32, CenterError> {
        let hash = fengjuan_wire::hash(bytes);
        offer::write_object(&self.home.object(&hash), bytes)?;
        offer::insert_object(
            self.conn,
            kind,
            &hash,
            bytes.len() as u64,
            &Place {
                sitting: &self.sitting,
                device: None,
            },
        )?;
        Ok(hash)
    }

    fn record(
        &self,
        document: &[u8],
        locked: &[u8],
        roster: &RosterKeys,
        slip: &[u8],
        now_ms: i64,
    ) -> Result<(), CenterError> {
        let roster = Zeroizing::new(cbor::to_vec(roster)?);
        self.conn.execute(
            "INSERT INTO issues (sitting_no, version, site, issued_ms, last_end_ms, document, locked_keys, roster_keys, slip) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.sitting.sitting_no,
                self.sitting.version,
                self.sitting.plan.site,
                now_ms,
                self.sitting.last_end_ms(),
                document,
                locked,
                roster.as_slice(),
                slip
            ],
        )?;
        Ok(())
    }
}

/// The newest version of a sitting.
pub(crate) fn latest(conn: &Connection, sitting_no: &str) -> Result<u32, CenterError> {
    let sql = "SELECT max(version) FROM issues WHERE sitting_no = ?1";
    let version: Option<u32> = conn.query_row(sql, [sitting_no], |row| row.get(0))?;
    version.ok_or_else(|| CenterError::NotIssued(sitting_no.to_owned()))
}

/// One issued version's document, verified again.
pub fn document(
    home: &Home,
    conn: &Connection,
    sitting_no: &str,
    version: u32,
) -> Result<SittingDocument, CenterError> {
    let sql = "SELECT document FROM issues WHERE sitting_no = ?1 AND version = ?2";
    let bytes: Vec<u8> = conn
        .query_row(sql, params![sitting_no, version], |row| row.get(0))
        .map_err(|_| CenterError::NotIssued(sitting_no.to_owned()))?;
    Ok(SittingDocument::verify(&home.directory().issuer, &bytes)?)
}
