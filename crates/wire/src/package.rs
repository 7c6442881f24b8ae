//! A paper package (试卷包): a signed header, and encrypted messages that are opened one at a time by random access.
//!
//! File: `FJPKG1\0\n`, header length (u32, big-endian), COSE_Sign1 header, then the messages back to back. The
//! encryption context of a message is the hash of what it belongs to (plan, sitting, site, version, class group,
//! suite, section, number), never of something that holds its own ciphertext; the signature covers the header and,
//! through it, the hash of every ciphertext.

use crate::{Hash32, Signed, WireError};
use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry};
use fengjuan_core::roster::Candidate;
use fengjuan_envelope::hpke::{self, KemPublic, KemSecret};
use fengjuan_envelope::secret::{SecretBytes, SecretKey};
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_envelope::{cbor, seal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use zeroize::{Zeroize, ZeroizeOnDrop};

const MAGIC: &[u8; 8] = b"FJPKG1\0\n";
const LARGEST_HEADER: u32 = 16 * 1024 * 1024;
const ALL_KEYS_INFO: &[u8] = b"fengjuan/package-keys/1";

/// The parts of a package, each under one of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// One message: the index that the draw needs. Paper key.
    Index,
    /// One message an item. Paper key.
    Item,
    /// One message a picture. Paper key.
    Media,
    /// One message: the candidates of the class group. Roster key.
    Roster,
    /// One message a registered photo. Roster key.
    Photo,
    /// One message: the answer keys. Answers key.
    Answers,
}

/// What a package belongs to; bound into every message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackagePlace {
    pub suite: String,
    pub plan_no: String,
    pub sitting_no: String,
    pub site: String,
    pub version: u32,
    pub class_no: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageHeader {
    pub place: PackagePlace,
    /// Offsets count from the end of the header; messages follow each other without gaps.
    pub messages: Vec<MessageRef>,
    /// HPKE(results key) around [`AllPackageKeys`], so that the center can always open what was answered.
    #[serde(with = "serde_bytes")]
    pub center_keys: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRef {
    pub section: Section,
    pub number: u32,
    pub bytes: u32,
    pub hash: Hash32,
}

/// Every key of a package, as the center keeps it.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct AllPackageKeys {
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub paper_key: [u8; 32],
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub roster_key: [u8; 32],
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub answers_key: [u8; 32],
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub draw_seed: [u8; 32],
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub snapshot_seed: [u8; 32],
}

impl Signed for PackageHeader {
    const USAGE: &'static str = "fengjuan/package/1";
}

impl PackagePlace {
    fn context(&self, section: Section, number: u32) -> Result<Vec<u8>, WireError> {
        Ok(fengjuan_envelope::sha256(&cbor::to_vec(&(self, section, number))?).to_vec())
    }
}

/// Content of a package on its way out of the center.
pub struct PackageContent<'a> {
    pub index: &'a [ItemIndexEntry],
    pub items: &'a [Item],
    /// PNG or JPEG files.
    pub media: &'a [Vec<u8>],
    pub candidates: &'a [Candidate],
    /// JPEG files, numbered as `Candidate::photo` says.
    pub photos: &'a [Vec<u8>],
    pub answers: &'a AnswerKeys,
}

/// Encrypts, signs and writes a package; returns its hash and length.
pub fn write_package(
    path: &Path,
    place: &PackagePlace,
    content: &PackageContent<'_>,
    keys: &AllPackageKeys,
    results: &KemPublic,
    issuer: &SigningKey,
) -> Result<(Hash32, u64), WireError> {
    let mut body = Body {
        place,
        messages: Vec::new(),
        bytes: Vec::new(),
    };
    let paper = SecretKey::from_bytes(keys.paper_key);
    let roster = SecretKey::from_bytes(keys.roster_key);
    body.add(Section::Index, 0, &paper, &cbor::to_vec(&content.index)?)?;
    for (number, item) in (0..).zip(content.items) {
        body.add(Section::Item, number, &paper, &cbor::to_vec(item)?)?;
    }
    for (number, picture) in (0..).zip(content.media) {
        body.add(Section::Media, number, &paper, picture)?;
    }
    body.add(
        Section::Roster,
        0,
        &roster,
        &cbor::to_vec(&content.candidates)?,
    )?;
    for (number, photo) in (0..).zip(content.photos) {
        body.add(Section::Photo, number, &roster, photo)?;
    }
    body.add(
        Section::Answers,
        0,
        &SecretKey::from_bytes(keys.answers_key),
        &cbor::to_vec(content.answers)?,
    )?;
    let mut plain_keys = cbor::to_vec(keys)?;
    let aad = cbor::to_vec(place)?;
    let center_keys = hpke::seal_to(results, ALL_KEYS_INFO, &aad, &plain_keys);
    plain_keys.zeroize();
    let header = PackageHeader {
        place: place.clone(),
        messages: body.messages,
        center_keys: center_keys?,
    };
    let header = header.sign(issuer)?;
    let length = u32::try_from(header.len()).map_err(|_| WireError::Damaged("header too long"))?;
    let mut digest = fengjuan_envelope::Sha256Stream::new();
    let mut file = File::create(path)?;
    let mut total = 0;
    for part in [
        MAGIC.as_slice(),
        &length.to_be_bytes(),
        &header,
        &body.bytes,
    ] {
        digest.update(part);
        file.write_all(part)?;
        total += part.len() as u64;
    }
    file.sync_all()?;
    Ok((Hash32(digest.finish()), total))
}

struct Body<'a> {
    place: &'a PackagePlace,
    messages: Vec<MessageRef>,
    bytes: Vec<u8>,
}

impl Body<'_> {
    fn add(
        &mut self,
        section: Section,
        number: u32,
        key: &SecretKey,
        plain: &[u8],
    ) -> Result<(), WireError> {
        let sealed = seal::seal(key, &self.place.context(section, number)?, plain)?;
        let bytes =
            u32::try_from(sealed.len()).map_err(|_| WireError::Damaged("message too long"))?;
        self.messages.push(MessageRef {
            section,
            number,
            bytes,
            hash: crate::hash(&sealed),
        });
        self.bytes.extend_from_slice(&sealed);
        Ok(())
    }
}

/// A package whose header's signature, order and lengths were verified. Only this can be opened; each message's
/// ciphertext hash is checked when it is read.
pub struct VerifiedPackage {
    file: File,
    pub header: PackageHeader,
    places: BTreeMap<(Section, u32), (u64, MessageRef)>,
}

impl VerifiedPackage {
    /// Opens a package file and verifies the header under the issuer's key. Cheap: no message is read.
    pub fn open(path: &Path, issuer: &PublicKey) -> Result<VerifiedPackage, WireError> {
        let mut file = File::open(path)?;
        let total = file.metadata()?.len();
        let mut front = [0u8; 12];
        file.read_exact(&mut front)
            .map_err(|_| WireError::Damaged("package too short"))?;
        let length = u32::from_be_bytes([front[8], front[9], front[10], front[11]]);
        if &front[..8] != MAGIC {
            return Err(WireError::Unsupported("package format".to_owned()));
        }
        if length > LARGEST_HEADER || u64::from(length) + 12 > total {
            return Err(WireError::Damaged("package header length"));
        }
        let mut signed = vec![0; length as usize];
        file.read_exact(&mut signed)?;
        let header = PackageHeader::verify(issuer, &signed)?;
        if header.place.suite != crate::SUITE {
            return Err(WireError::Unsupported(header.place.suite));
        }
        let mut at = 12 + u64::from(length);
        let mut places = BTreeMap::new();
        for message in &header.messages {
            if places
                .insert((message.section, message.number), (at, *message))
                .is_some()
            {
                return Err(WireError::Damaged("two messages of one number"));
            }
            at += u64::from(message.bytes);
        }
        if at != total {
            return Err(WireError::Damaged("package length"));
        }
        Ok(VerifiedPackage {
            file,
            header,
            places,
        })
    }

    /// Reads every byte once: the whole file's hash and each message's hash.
    pub fn verify_whole(&self, expected: &Hash32) -> Result<(), WireError> {
        let mut digest = fengjuan_envelope::Sha256Stream::new();
        let first = self.places.values().map(|(at, _)| *at).min().unwrap_or(0);
        let mut front = vec![0; first as usize];
        self.file.read_exact_at(&mut front, 0)?;
        digest.update(&front);
        for message in &self.header.messages {
            digest.update(&self.ciphertext(message.section, message.number)?);
        }
        if Hash32(digest.finish()) == *expected {
            Ok(())
        } else {
            Err(WireError::Damaged("package hash"))
        }
    }

    /// One message's ciphertext, its hash checked.
    fn ciphertext(&self, section: Section, number: u32) -> Result<Vec<u8>, WireError> {
        let (at, message) = self
            .places
            .get(&(section, number))
            .ok_or(WireError::Damaged("no such message"))?;
        let mut sealed = vec![0; message.bytes as usize];
        self.file
            .read_exact_at(&mut sealed, *at)
            .map_err(|_| WireError::Damaged("package truncated"))?;
        if crate::hash(&sealed) != message.hash {
            return Err(WireError::Damaged("message hash"));
        }
        Ok(sealed)
    }

    fn read(
        &self,
        section: Section,
        number: u32,
        key: &SecretKey,
    ) -> Result<SecretBytes, WireError> {
        let context = self.header.place.context(section, number)?;
        Ok(seal::open(
            key,
            &context,
            &self.ciphertext(section, number)?,
        )?)
    }

    fn read_as<T: DeserializeOwned>(
        &self,
        section: Section,
        number: u32,
        key: &SecretKey,
    ) -> Result<T, WireError> {
        Ok(cbor::from_slice(&self.read(section, number, key)?)?)
    }

    pub fn index(&self, paper_key: &SecretKey) -> Result<Vec<ItemIndexEntry>, WireError> {
        self.read_as(Section::Index, 0, paper_key)
    }
    pub fn item(&self, number: u32, paper_key: &SecretKey) -> Result<Item, WireError> {
        self.read_as(Section::Item, number, paper_key)
    }
    /// PNG or JPEG bytes of a picture.
    pub fn media(&self, number: u32, paper_key: &SecretKey) -> Result<SecretBytes, WireError> {
        self.read(Section::Media, number, paper_key)
    }
    pub fn roster(&self, roster_key: &SecretKey) -> Result<Vec<Candidate>, WireError> {
        self.read_as(Section::Roster, 0, roster_key)
    }
    /// JPEG bytes of a registered photo.
    pub fn photo(&self, number: u32, roster_key: &SecretKey) -> Result<SecretBytes, WireError> {
        self.read(Section::Photo, number, roster_key)
    }
    pub fn answers(&self, answers_key: &SecretKey) -> Result<AnswerKeys, WireError> {
        self.read_as(Section::Answers, 0, answers_key)
    }

    /// The center's way in, by the sitting's results key.
    pub fn center_keys(&self, results: &KemSecret) -> Result<AllPackageKeys, WireError> {
        let aad = cbor::to_vec(&self.header.place)?;
        let plain = hpke::open_from(results, ALL_KEYS_INFO, &aad, &self.header.center_keys)?;
        Ok(cbor::from_slice(&plain)?)
    }
}
