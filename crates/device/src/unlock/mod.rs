//! Unlocking (输密码开卷): from the typed code and this device's grant to open packages. Everything that is opened
//! stays in memory. There is no verifier of the code but decryption.

use crate::papers::{HeldPapers, SittingKey};
use fengjuan_core::item::ItemIndexEntry;
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::code::{self, Code, GROUPS, GroupStatus};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf;
use fengjuan_envelope::seal::SealError;
use fengjuan_envelope::secret::{SecretBytes, SecretKey};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::WireError;
use fengjuan_wire::grant::SittingKeys;
use fengjuan_wire::package::VerifiedPackage;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::view::{CodeGroupState, CodeGroupView, SpellingView};

/// An open sitting. Lives in memory only; its keys are erased on drop.
pub struct Unlocked {
    pub sitting_no: String,
    pub version: u32,
    pub snapshot_seed: SecretKey,
    pub draw_seed: SecretKey,
    pub classes: BTreeMap<String, OpenClass>,
}

/// One class group's open package. Items are decrypted one at a time.
#[derive(Clone)]
pub struct OpenClass {
    pub package: Arc<VerifiedPackage>,
    pub paper_key: SecretKey,
    /// Present only where the plan releases answers on site.
    pub answers_key: Option<SecretKey>,
    pub index: Arc<Vec<ItemIndexEntry>>,
}

/// Why a sitting was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    #[error("group {group} of the code is not complete or does not fit its check symbol")]
    NotCompleteGroup { group: usize },
    #[error("entry opens at {opens_ms}")]
    TooEarly { opens_ms: ExamMs },
    #[error("the sitting is over")]
    Over,
    #[error("the code opens nothing here")]
    WrongCode,
    #[error("the code is for sitting {sitting_no}")]
    OtherSitting { sitting_no: String },
    #[error("this device has no grant for the sitting")]
    NoGrant,
    /// The version, or the one that the code is for, is no longer sat.
    #[error("a newer version of the sitting is held")]
    Superseded,
    #[error("the package of {class_no} is damaged")]
    DamagedPackage { class_no: String },
    #[error("the key could not be derived")]
    Derivation { cause: &'static str },
}

impl UnlockError {
    pub fn code(&self) -> &'static str {
        match self {
            UnlockError::NotCompleteGroup { .. } => "unlock.not_complete_group",
            UnlockError::TooEarly { .. } => "unlock.too_early",
            UnlockError::Over => "unlock.over",
            UnlockError::WrongCode => "unlock.wrong_code",
            UnlockError::OtherSitting { .. } => "unlock.other_sitting",
            UnlockError::NoGrant => "unlock.no_grant",
            UnlockError::Superseded => "unlock.superseded",
            UnlockError::DamagedPackage { .. } => "unlock.damaged_package",
            UnlockError::Derivation { .. } => "unlock.derivation",
        }
    }
}

/// Reads the typed groups: four, or eight where two persons each have a code; the codes are then joined.
///
/// # Errors
/// [`UnlockError::NotCompleteGroup`] with the place of the first group that cannot be right.
pub fn parse_code(groups: &[String], two_person: bool) -> Result<SecretBytes, UnlockError> {
    let codes = if two_person { 2 } else { 1 };
    let mut secret = Vec::with_capacity(20);
    for number in 0..codes {
        let first = number * GROUPS;
        let typed: [&str; GROUPS] = std::array::from_fn(|group| {
            groups
                .get(first + group)
                .map(String::as_str)
                .unwrap_or_default()
        });
        let code = Code::parse_groups(&typed).map_err(|error| UnlockError::NotCompleteGroup {
            group: first + error.group(),
        })?;
        secret.extend_from_slice(&code.secret_bytes());
    }
    match groups.get(codes * GROUPS) {
        Some(_) => Err(UnlockError::NotCompleteGroup {
            group: codes * GROUPS,
        }),
        None => Ok(SecretBytes::new(secret)),
    }
}

/// Opens a held sitting. Argon2id makes it slow on purpose: not under a lock.
///
/// # Errors
/// [`UnlockError`]; nothing stays open.
pub fn open_sitting(
    held: &HeldPapers,
    device: &KemSecret,
    me: &PublicKey,
    issuer: &PublicKey,
    code: &SecretBytes,
) -> Result<Unlocked, UnlockError> {
    let keys = open_keys(held, device, me, code)?;
    open_with(held, &keys, issuer)
}

/// Opens a held sitting with its keys, as the room's station hands them out after the code was typed there.
///
/// # Errors
/// [`UnlockError::DamagedPackage`]; nothing stays open.
pub fn open_with(
    held: &HeldPapers,
    keys: &SittingKeys,
    issuer: &PublicKey,
) -> Result<Unlocked, UnlockError> {
    let document = &held.document;
    let of_class = |class_no: &str| UnlockError::DamagedPackage {
        class_no: class_no.to_owned(),
    };
    let seeds_fit = fengjuan_wire::hash(&keys.snapshot_seed) == document.snapshot_seed_hash
        && fengjuan_wire::hash(&keys.draw_seed) == document.draw_seed_hash;
    if !seeds_fit {
        return Err(of_class(""));
    }
    let mut classes = BTreeMap::new();
    for reference in &document.packages {
        let class_no = reference.class_no.as_str();
        let wanted = keys
            .packages
            .iter()
            .find(|package| package.class_no == class_no);
        let (Some(keys), Some(file)) = (wanted, held.package(class_no)) else {
            return Err(of_class(class_no));
        };
        let package =
            open_package(held, class_no, &file.path, issuer).map_err(|_| of_class(class_no))?;
        let paper_key = SecretKey::from_bytes(keys.paper_key);
        let index = package.index(&paper_key).map_err(|_| of_class(class_no))?;
        let open = OpenClass {
            package: Arc::new(package),
            paper_key,
            answers_key: keys.answers_key.map(SecretKey::from_bytes),
            index: Arc::new(index),
        };
        classes.insert(class_no.to_owned(), open);
    }
    Ok(Unlocked {
        sitting_no: document.sitting.sitting_no.clone(),
        version: document.sitting.version,
        snapshot_seed: SecretKey::from_bytes(keys.snapshot_seed),
        draw_seed: SecretKey::from_bytes(keys.draw_seed),
        classes,
    })
}

/// Opens a package file and checks that it belongs where the sitting says.
///
/// # Errors
/// What the file or its place gets wrong.
pub fn open_package(
    held: &HeldPapers,
    class_no: &str,
    path: &std::path::Path,
    issuer: &PublicKey,
) -> Result<VerifiedPackage, WireError> {
    let package = VerifiedPackage::open(path, issuer)?;
    let place = &package.header.place;
    let document = &held.document;
    let right = place.sitting_no == document.sitting.sitting_no
        && place.site == document.site
        && place.version == document.sitting.version
        && place.plan_no == document.sitting.plan.plan_no
        && place.class_no == class_no;
    if right {
        Ok(package)
    } else {
        Err(WireError::Mismatch("sitting"))
    }
}

/// The held sitting and version that a code opens, which is not the wanted one.
pub fn other_sitting(
    others: &[Arc<HeldPapers>],
    device: &KemSecret,
    me: &PublicKey,
    code: &SecretBytes,
) -> Option<SittingKey> {
    others
        .iter()
        .find(|held| open_keys(held, device, me, code).is_ok())
        .map(|held| held.key.clone())
}

fn open_keys(
    held: &HeldPapers,
    device: &KemSecret,
    me: &PublicKey,
    code: &SecretBytes,
) -> Result<SittingKeys, UnlockError> {
    let grant = held.grant.as_ref().ok_or(UnlockError::NoGrant)?;
    if grant.device != *me {
        return Err(UnlockError::NoGrant);
    }
    let document = &held.document;
    let salt: [u8; 16] =
        document
            .code_salt
            .as_slice()
            .try_into()
            .map_err(|_| UnlockError::Derivation {
                cause: "unlock.salt",
            })?;
    let code_key =
        kdf::derive(code, &salt, document.code_kdf).map_err(|error| UnlockError::Derivation {
            cause: error.code(),
        })?;
    grant
        .unlock(device, &code_key)
        .map_err(|error| match error {
            WireError::Seal(SealError::WrongKey) => UnlockError::WrongCode,
            // What the device's own key does not open was made for another device.
            WireError::Hpke(_) => UnlockError::NoGrant,
            _ => UnlockError::DamagedPackage {
                class_no: String::new(),
            },
        })
}

/// What one group of the code looks like while it is typed. `index` counts from 0; the second person's groups go on
/// from 4.
pub fn code_group(index: usize, typed: &str) -> CodeGroupView {
    let symbols: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| code::normalise_symbol(c).unwrap_or(c))
        .collect();
    let spelling = symbols
        .chars()
        .map(|symbol| {
            let (zh, en) = code::spelling(symbol);
            SpellingView {
                symbol: symbol.to_string(),
                zh: zh.to_owned(),
                en: en.to_owned(),
            }
        })
        .collect();
    let state = match code::check_group(index % GROUPS, typed) {
        GroupStatus::Incomplete => CodeGroupState::Incomplete,
        GroupStatus::Valid => CodeGroupState::Valid,
        GroupStatus::Invalid { .. } => CodeGroupState::Invalid,
    };
    CodeGroupView {
        state,
        symbols,
        spelling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_four_groups_or_eight_and_nothing_else() {
        let one = Code::generate().unwrap().to_groups().to_vec();
        let two: Vec<String> = one
            .iter()
            .cloned()
            .chain(Code::generate().unwrap().to_groups())
            .collect();
        assert_eq!(parse_code(&one, false).unwrap().len(), 10);
        assert_eq!(parse_code(&two, true).unwrap().len(), 20);
        let place = |groups: &[String], two_person| match parse_code(groups, two_person) {
            Err(UnlockError::NotCompleteGroup { group }) => group,
            other => panic!("{other:?}"),
        };
        assert_eq!(place(&one, true), 4);
        assert_eq!(place(&two, false), 4);
        assert_eq!(place(&one[..3], false), 3);
        assert_eq!(place(&[], false), 0);
    }

    #[test]
    fn a_group_shows_its_symbols_and_words_while_it_is_typed() {
        let group = Code::generate().unwrap().to_groups()[1].clone();
        let view = code_group(1, &group.to_lowercase());
        assert_eq!(
            (view.state, view.symbols.as_str()),
            (CodeGroupState::Valid, group.as_str())
        );
        assert_eq!(view.spelling.len(), 5);
        assert!(view.spelling.iter().all(|word| !word.zh.is_empty()));
        assert_eq!(code_group(5, &group).state, CodeGroupState::Valid);
        assert_eq!(code_group(2, &group).state, CodeGroupState::Invalid);
        assert_eq!(code_group(1, "U").state, CodeGroupState::Invalid);
        assert_eq!(code_group(1, "").state, CodeGroupState::Incomplete);
    }
}
