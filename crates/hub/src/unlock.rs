//! Unlocking at the station (输密码开卷): the code is typed once, opens this hub's own grant, and the keys go to each
//! allow-listed terminal, encrypted to that terminal's own key. They stay in memory here, until the sitting is over.

use crate::devices::Terminal;
use crate::keys::Keyring;
use crate::room::{Outgoing, Room};
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::station::{Action, Actor};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::{HeldPapers, Papers, SittingKey};
use fengjuan_device::recorder::{SYSTEM, staff};
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_device::staff::Slowing;
use fengjuan_device::unlock::{self, UnlockError, Unlocked};
use fengjuan_device::view::Refused;
use fengjuan_envelope::cbor;
use fengjuan_envelope::secret::SecretBytes;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::grant::{PackageKeys, SittingKeys};
use fengjuan_wire::room::{KeysPlace, RoomKeys};
use fengjuan_wire::{Signed, WireError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroize;

const NS: &str = "unlock";

/// The sittings that are open here.
pub struct Unlocks {
    room: Room,
    papers: Papers,
    identity: Arc<DeviceIdentity>,
    keys: Arc<Keyring>,
    /// The center's.
    issuer: PublicKey,
    site: String,
    state: Mutex<State>,
    working: AtomicBool,
}

struct State {
    open: BTreeMap<SittingKey, Arc<Unlocked>>,
    slowing: BTreeMap<String, Slowing>,
}

/// What an [`Unlocks`] works on.
pub struct UnlocksParts {
    pub room: Room,
    pub papers: Papers,
    pub identity: Arc<DeviceIdentity>,
    pub keys: Arc<Keyring>,
    pub issuer: PublicKey,
    pub site: String,
}

impl Unlocks {
    /// Nothing is open yet; wrong codes of earlier runs are remembered.
    ///
    /// # Errors
    /// Storage errors.
    pub fn open(parts: UnlocksParts, reader: &Reader) -> Result<Unlocks, StoreError> {
        let UnlocksParts {
            room,
            papers,
            identity,
            keys,
            issuer,
            site,
        } = parts;
        let mut slowing = BTreeMap::new();
        for (key, value) in reader.scan(NS)? {
            if let (Ok(sitting_no), Ok(known)) = (String::from_utf8(key), cbor::from_slice(&value))
            {
                slowing.insert(sitting_no, known);
            }
        }
        let state = State {
            open: BTreeMap::new(),
            slowing,
        };
        Ok(Unlocks {
            room,
            papers,
            identity,
            keys,
            issuer,
            site,
            state: Mutex::new(state),
            working: AtomicBool::new(false),
        })
    }

    /// A code is being tried at this moment.
    pub fn working(&self) -> bool {
        self.working.load(Ordering::Relaxed)
    }

    /// The sittings that are open.
    pub fn opened(&self) -> Vec<SittingKey> {
        self.state().open.keys().cloned().collect()
    }

    /// Wrong codes so far, and until when none is taken.
    pub fn slowing(&self, sitting_no: &str) -> Slowing {
        self.state()
            .slowing
            .get(sitting_no)
            .copied()
            .unwrap_or_default()
    }

    /// The typed code, four groups, or eight where two persons each have one. Blocks for as long as Argon2id takes; the
    /// keys are on their way when it returns.
    ///
    /// # Errors
    /// Wrong codes at the station before this one count here too. What cannot be kept now is kept with the next one.
    pub(crate) fn learn(&self, sitting_no: &str, wrong: u32, last_ms: ExamMs) {
        if self.slowing(sitting_no).wrong >= wrong {
            return;
        }
        let slowing = (0..wrong).fold(Slowing::default(), |slowing, _| {
            slowing.after_wrong(last_ms, 0)
        });
        let kept = slowing_row(sitting_no, &slowing).map(|row| {
            let nothing = self
                .room
                .decide(SYSTEM, vec![row], |_, _, _| Ok(Vec::new()));
            nothing.map(drop)
        });
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!(sitting_no, "wrong codes were not taken over");
        }
        self.state().slowing.insert(sitting_no.to_owned(), slowing);
    }

    /// The refusal for the page; a wrong code is counted, slowed and recorded.
    pub fn unlock(&self, sitting_no: &str, mut groups: Vec<String>, actor: &Actor) -> Answer {
        if self.working.swap(true, Ordering::AcqRel) {
            groups.zeroize();
            return Err(refused("unlock.busy"));
        }
        self.room.touch();
        let done = self.try_code(sitting_no, &groups, actor);
        groups.zeroize();
        self.working.store(false, Ordering::Release);
        self.room.touch();
        done
    }

    fn try_code(&self, sitting_no: &str, groups: &[String], actor: &Actor) -> Answer {
        let now = self.room.now();
        let held = self.may_try(sitting_no, actor, now)?;
        let code = unlock::parse_code(groups, held.document.sitting.two_person_code)?;
        let (device, me) = (&self.identity.kem, self.identity.public());
        match unlock::open_sitting(&held, device, &me, &self.issuer, &code) {
            Ok(opened) => self.opened_now(held.key.clone(), opened, actor),
            Err(error) => {
                let error = match error {
                    UnlockError::WrongCode => self.what_else(&held, &code),
                    other => other,
                };
                if let UnlockError::DamagedPackage { class_no } = &error
                    && let Some(package) = held.package(class_no)
                {
                    self.papers.mark_damaged(&package.hash);
                }
                self.failed(sitting_no, error, actor, now)
            }
        }
    }

    fn may_try(
        &self,
        sitting_no: &str,
        actor: &Actor,
        now: ExamMs,
    ) -> Result<Arc<HeldPapers>, Refused> {
        let held = self.papers.current(sitting_no);
        let held = held.ok_or_else(|| refused("room.not_held"))?;
        let action = Action::Unlocked {
            sitting_no: sitting_no.to_owned(),
            version: held.key.version,
        };
        // Asked before the slow part; what it gives is recorded only after it.
        let may = self
            .room
            .read(|station| station.propose(&action, actor, &mut || [0; 16], now));
        may.map_err(|error| refused(error.code()))?;
        if held.grant.is_none() {
            return Err(UnlockError::NoGrant.into());
        }
        if let Some(until_ms) = self.slowing(sitting_no).waits(now) {
            return Err(refused("unlock.slowed").with("until_ms", until_ms));
        }
        Ok(held)
    }

    /// What a code that opens nothing here may be for.
    fn what_else(&self, held: &HeldPapers, code: &SecretBytes) -> UnlockError {
        let (device, me) = (&self.identity.kem, self.identity.public());
        let mut others = self.papers.held();
        others.retain(|other| other.key != held.key);
        match unlock::other_sitting(&others, device, &me, code) {
            None => UnlockError::WrongCode,
            Some(other) if other.sitting_no == held.key.sitting_no => UnlockError::Superseded,
            Some(other) => UnlockError::OtherSitting {
                sitting_no: other.sitting_no,
            },
        }
    }

    fn opened_now(&self, key: SittingKey, opened: Unlocked, actor: &Actor) -> Answer {
        if self.superseded(&key) {
            // It was the newest when the code was typed, and that of the newest is another one.
            return Err(UnlockError::Superseded.into());
        }
        let action = Action::Unlocked {
            sitting_no: key.sitting_no.clone(),
            version: key.version,
        };
        let slowing = slowing_row(&key.sitting_no, &Slowing::default())?;
        let done = self
            .room
            .act_with(&action, actor, Vec::new(), vec![slowing]);
        done.map_err(|error| refused(error.code()))?;
        {
            let mut state = self.state();
            state.slowing.remove(&key.sitting_no);
            state.open.insert(key.clone(), Arc::new(opened));
        }
        self.room.lines().send_all(&Outgoing::Keys(key));
        Ok(())
    }

    fn failed(&self, sitting_no: &str, error: UnlockError, actor: &Actor, now: ExamMs) -> Answer {
        let wrong = matches!(
            error,
            UnlockError::WrongCode | UnlockError::OtherSitting { .. } | UnlockError::Superseded
        );
        let mut slowing = self.slowing(sitting_no);
        if wrong {
            slowing = slowing.after_wrong(now, 0);
        }
        let event = Event::CodeRefused {
            sitting_no: sitting_no.to_owned(),
            cause: error.code().to_owned(),
            wrong_so_far: slowing.wrong,
        };
        let row = slowing_row(sitting_no, &slowing)?;
        let by = staff(&actor.person.staff_id);
        let recorded = self.room.decide(&by, vec![row], |_, _, _| Ok(vec![event]));
        recorded.map_err(|error| refused(error.code()))?;
        self.state().slowing.insert(sitting_no.to_owned(), slowing);
        let refusal: Refused = error.into();
        Err(refusal.with("wrong", slowing.wrong))
    }

    /// The keys of an open sitting for one terminal; none where it is not open.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn sealed_for(
        &self,
        terminal: &Terminal,
        key: &SittingKey,
        epoch: u64,
    ) -> Result<Option<RoomKeys>, WireError> {
        let Some(open) = self.state().open.get(key).cloned() else {
            return Ok(None);
        };
        let place = KeysPlace {
            site: self.site.clone(),
            sitting_no: key.sitting_no.clone(),
            version: key.version,
            device: terminal.sign,
            epoch,
        };
        let sealed = place.seal(&keys_of(&open), &terminal.kem)?;
        Ok(Some(RoomKeys {
            sitting_no: key.sitting_no.clone(),
            version: key.version,
            signed: sealed.sign(&self.keys.issuer)?,
        }))
    }

    /// Which of the open sittings this machine needs the keys of; `sits_in`: where somebody sits at it, by its own word.
    pub fn for_machine(&self, device: &Device, sits_in: Option<&str>) -> Vec<SittingKey> {
        let opened = self.opened();
        let numbers: Vec<&str> = opened.iter().map(|key| key.sitting_no.as_str()).collect();
        let now = self.room.now();
        let wanted = self.room.read(|station| {
            let wanted = station.keys_for(device, sits_in, &numbers, now);
            wanted.map(str::to_owned)
        });
        let mut keys = opened;
        keys.retain(|key| wanted.as_deref() == Some(key.sitting_no.as_str()));
        keys
    }

    /// Forgets the keys of sittings that are over, and of versions that nobody sits any more.
    pub fn forget_over(&self) {
        let now = self.room.now();
        let kept = |key: &SittingKey| {
            let superseded = self.superseded(key);
            self.room.read(|station| {
                let begun = station.track(&key.sitting_no).started.is_some();
                !station.unlock_over(&key.sitting_no, now) && (begun || !superseded)
            })
        };
        self.state().open.retain(|key, _| kept(key));
    }

    fn superseded(&self, key: &SittingKey) -> bool {
        let current = self.papers.current(&key.sitting_no);
        current.is_some_and(|current| current.key != *key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slowing_row(sitting_no: &str, slowing: &Slowing) -> Result<Projection, Refused> {
    let value = cbor::to_vec(slowing).map_err(WireError::from)?;
    Ok(Projection::put(NS, sitting_no.as_bytes(), value))
}

/// Erased on drop.
fn keys_of(open: &Unlocked) -> SittingKeys {
    let packages = open.classes.iter().map(|(class_no, class)| PackageKeys {
        class_no: class_no.clone(),
        paper_key: *class.paper_key.as_bytes(),
        answers_key: class.answers_key.as_ref().map(|key| *key.as_bytes()),
    });
    SittingKeys {
        snapshot_seed: *open.snapshot_seed.as_bytes(),
        draw_seed: *open.draw_seed.as_bytes(),
        packages: packages.collect(),
    }
}
