//! Folders that anybody may have prepared: no link is followed, only ordinary files are read, none beyond its limit,
//! and names count only where they are hashes.

use crate::CenterError;
use fengjuan_envelope::Sha256Stream;
use fengjuan_wire::Hash32;
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// An open folder; every name is resolved inside it, whatever happens to the path meanwhile.
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

const FOLDER_FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A stick is read under other users' names.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

impl Folder {
    /// The courier's folder itself; the path to it is the operator's and may be anything.
    pub fn open(path: &Path) -> Result<Option<Folder>, CenterError> {
        match fs::open(path, FOLDER_FLAGS, Mode::empty()) {
            Ok(fd) => Ok(Some(Folder {
                fd,
                path: path.to_owned(),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(unusable(path, error)),
        }
    }

    pub fn open_or_make(path: &Path) -> Result<Folder, CenterError> {
        std::fs::create_dir_all(path).map_err(CenterError::io(path))?;
        Folder::open(path)?.ok_or_else(|| unusable(path, Errno::NOENT))
    }

    pub fn sub(&self, name: &str) -> Result<Option<Folder>, CenterError> {
        let path = self.path.join(name);
        match fs::openat(&self.fd, name, FOLDER_FLAGS, Mode::empty()) {
            Ok(fd) => Ok(Some(Folder { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(unusable(&path, error)),
        }
    }

    pub fn sub_or_make(&self, name: &str) -> Result<Folder, CenterError> {
        let path = self.path.join(name);
        match fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(unusable(&path, error)),
        }
        self.sub(name)?.ok_or_else(|| unusable(&path, Errno::NOENT))
    }

    /// Names that are hashes, in order. What else lies there is none of ours.
    pub fn hashes(&self) -> Result<Vec<Hash32>, CenterError> {
        let failed = |error| unusable(&self.path, error);
        let mut found = Vec::new();
        for item in Dir::read_from(&self.fd).map_err(failed)? {
            let item = item.map_err(failed)?;
            let name = item.file_name().to_bytes();
            let hash = str::from_utf8(name).ok().and_then(Hash32::from_hex);
            found.extend(hash.filter(|hash| hash.hex().as_bytes() == name));
        }
        found.sort();
        Ok(found)
    }

    /// An ordinary file whose bytes have this hash, or the code of what is wrong with it.
    pub fn read(&self, hash: &Hash32, limit: u64) -> Result<Vec<u8>, &'static str> {
        let file = self.file(hash)?;
        let length = file.metadata().map_err(|_| "courier.unreadable")?.len();
        if length > limit {
            return Err("courier.too_large");
        }
        let mut bytes = Vec::with_capacity(length as usize);
        // It may grow while it is read.
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| "courier.unreadable")?;
        if bytes.len() as u64 > limit {
            return Err("courier.too_large");
        }
        if fengjuan_wire::hash(&bytes) != *hash {
            return Err("courier.hash");
        }
        Ok(bytes)
    }

    fn file(&self, hash: &Hash32) -> Result<File, &'static str> {
        // Not waiting for somebody to write into a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&self.fd, hash.hex(), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP) => return Err("courier.not_a_file"),
            Err(_) => return Err("courier.unreadable"),
        };
        match file.metadata() {
            Ok(facts) if facts.is_file() => Ok(file),
            _ => Err("courier.not_a_file"),
        }
    }

    /// Writes `source` under its hash unless a file with these very bytes is there. True where it was not.
    pub fn put(&self, hash: &Hash32, mut source: impl Read) -> Result<bool, CenterError> {
        if self.holds(hash) {
            return Ok(false);
        }
        let part = format!("{}.part", hash.hex());
        let failed = |error: io::Error| CenterError::io(&self.path.join(hash.hex()))(error);
        // An earlier run's beginning, or somebody's link.
        match fs::unlinkat(&self.fd, &part, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = fs::openat(&self.fd, &part, flags, FILE_MODE).map_err(|e| failed(e.into()))?;
        let mut file = File::from(file);
        let written = copy(&mut source, &mut file).and_then(|found| {
            file.sync_all()?;
            Ok(found)
        });
        let found = written
            .inspect_err(|_| self.drop_part(&part))
            .map_err(failed)?;
        if found != *hash {
            self.drop_part(&part);
            return Err(CenterError::Damaged("an object that sites fetch"));
        }
        fs::renameat(&self.fd, &part, &self.fd, hash.hex()).map_err(|e| failed(e.into()))?;
        Ok(true)
    }

    /// Best effort: the next run begins anew anyway.
    fn drop_part(&self, part: &str) {
        let _ = fs::unlinkat(&self.fd, part, AtFlags::empty());
    }

    fn holds(&self, hash: &Hash32) -> bool {
        let there = fs::statat(&self.fd, hash.hex(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile);
        there
            && self.file(hash).is_ok_and(|mut file| {
                copy(&mut file, &mut io::sink()).is_ok_and(|found| found == *hash)
            })
    }

    /// Makes the names durable.
    pub fn sync(&self) -> Result<(), CenterError> {
        fs::fsync(&self.fd).map_err(|error| CenterError::io(&self.path)(error.into()))
    }
}

fn unusable(path: &Path, error: Errno) -> CenterError {
    match error {
        Errno::LOOP | Errno::NOTDIR => CenterError::NotAFolder(path.to_owned()),
        error => CenterError::io(path)(error.into()),
    }
}

/// Copies and hashes in one reading.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Hash32> {
    let mut digest = Sha256Stream::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(Hash32(digest.finish())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}
