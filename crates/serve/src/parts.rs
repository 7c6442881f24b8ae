//! Uploads in parts: durable before they are acknowledged, resumable, and looked at when they are whole. What becomes of
//! a whole object is its receiver's business.

use crate::refusal::Refused;
use axum::http::StatusCode;
use fengjuan_wire::Hash32;
use fengjuan_wire::upstream::{LARGEST_OBJECT_BYTES, UPLOAD_PART_BYTES};
use serde::Deserialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A terminal sends one object after the other; a broken one must not fill the disk with beginnings.
pub const MOST_OPEN_PARTS: usize = 64;

/// The query of `PUT /v1/uploads/<hex>`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Part {
    pub offset: u64,
    pub total: u64,
}

impl Part {
    /// # Errors
    /// 413 `upload.total` or `upload.part`, 400 `upload.beyond_total`.
    pub fn check(self, length: usize) -> Result<(), Refused> {
        let too_large =
            |code, detail: &str| Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, code, detail));
        if self.total == 0 || self.total > LARGEST_OBJECT_BYTES {
            return too_large("upload.total", "1 byte to 64 MiB");
        }
        if length > UPLOAD_PART_BYTES {
            return too_large("upload.part", "256 KiB at most");
        }
        let end = self.offset.checked_add(length as u64);
        if end.is_none_or(|end| end > self.total) {
            let detail = "the part ends beyond the total";
            return Err(Refused::bad("upload.beyond_total", detail));
        }
        Ok(())
    }
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are durable; the next part starts there.
    Part(u64),
    /// All of it is durable, and its hash is the one that it was sent under.
    Whole(Vec<u8>),
}

/// The beginning of one object from one sender: `<folder>/<hash>.<sender>`. Two parts of one upload must not be taken
/// at once.
#[derive(Clone, Debug)]
pub struct PartFile {
    path: PathBuf,
}

impl PartFile {
    /// `path` ends in `.<sender>`.
    pub fn at(path: PathBuf) -> PartFile {
        PartFile { path }
    }

    /// Where it lies: on completion it is renamed away.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every byte of a part file was synced before it was acknowledged; bytes beyond that, left by a power cut, are
    /// found out by the hash.
    pub fn durable(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    /// Takes a part that was checked. One that does not begin where the durable bytes end changes nothing: the answer
    /// says where to go on.
    ///
    /// # Errors
    /// 429 `upload.too_many_open`; 422 `upload.hash`, and the upload is dropped; faults of the disk, after which what
    /// was acknowledged before is as it was.
    pub fn take(&self, hash: &Hash32, part: Part, body: &[u8]) -> Result<Progress, Refused> {
        let durable = self.durable();
        if part.offset != durable {
            return Ok(Progress::Part(durable));
        }
        if durable == 0 && self.open_parts()? >= MOST_OPEN_PARTS {
            return Err(Refused::new(
                StatusCode::TOO_MANY_REQUESTS,
                "upload.too_many_open",
                "finish the uploads that are begun",
            ));
        }
        let have = if body.is_empty() {
            durable
        } else {
            self.append(durable, body)?
        };
        if have < part.total {
            return Ok(Progress::Part(have));
        }
        let bytes = fs::read(&self.path).map_err(|error| self.fault(&error))?;
        if fengjuan_wire::hash(&bytes) != *hash {
            return Err(self.dropped("upload.hash"));
        }
        Ok(Progress::Whole(bytes))
    }

    /// What does not make the object is of no use: it is dropped, and the next upload starts afresh. Returns the
    /// refusal, 422 `code`, or the fault of the disk.
    pub fn dropped(&self, code: &'static str) -> Refused {
        if let Err(fault) = self.remove() {
            return fault;
        }
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code,
            "the whole upload was dropped",
        )
    }

    /// Drops what was sent so far.
    ///
    /// # Errors
    /// The fault of the disk.
    pub fn remove(&self) -> Result<(), Refused> {
        fs::remove_file(&self.path).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &io::Error) -> Refused {
        Refused::fault_at(&self.path, error)
    }

    /// Uploads that this sender has begun and not finished.
    fn open_parts(&self) -> Result<usize, Refused> {
        let (Some(folder), Some(sender)) = (self.path.parent(), self.path.extension()) else {
            return Ok(0);
        };
        let files = fs::read_dir(folder).map_err(|error| Refused::fault_at(folder, &error))?;
        let of_sender = |name: io::Result<fs::DirEntry>| {
            name.is_ok_and(|file| Path::new(&file.file_name()).extension() == Some(sender))
        };
        Ok(files
            .filter_map(|file| of_sender(file).then_some(()))
            .count())
    }

    /// Appends and syncs; what a failed write left behind is cut off again.
    fn append(&self, offset: u64, body: &[u8]) -> Result<u64, Refused> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| self.fault(&error))?;
        let written = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(body))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = file.set_len(offset);
            return Err(self.fault(&error));
        }
        if offset == 0
            && let Some(folder) = self.path.parent()
        {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| Refused::fault_at(folder, &error))?;
        }
        Ok(offset + body.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offset: u64, total: u64) -> Part {
        Part { offset, total }
    }

    #[test]
    fn parts_are_appended_in_order_and_whole_ones_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let file = PartFile::at(dir.path().join("a.one"));
        let hash = fengjuan_wire::hash(b"abcdef");
        let take = |offset, body: &[u8]| file.take(&hash, part(offset, 6), body);
        assert_eq!(take(0, b"abc").unwrap(), Progress::Part(3));
        // Repeated, and beyond the end: nothing changes.
        assert_eq!(take(0, b"abc").unwrap(), Progress::Part(3));
        assert_eq!(take(5, b"f").unwrap(), Progress::Part(3));
        assert_eq!(
            take(3, b"def").unwrap(),
            Progress::Whole(b"abcdef".to_vec())
        );
        // Whole and not yet taken away, as after a fault: an empty part asks again.
        assert_eq!(take(6, b"").unwrap(), Progress::Whole(b"abcdef".to_vec()));
        assert_eq!(
            file.dropped("upload.not_an_object").code(),
            "upload.not_an_object"
        );
        assert_eq!(file.durable(), 0);
        assert_eq!(take(0, b"abcdeX").unwrap_err().code(), "upload.hash");
        assert_eq!(file.durable(), 0);
    }

    #[test]
    fn what_a_part_may_be() {
        let code = |part: Part, length| part.check(length).err().map(|refused| refused.code());
        assert_eq!(code(part(0, 6), 6), None);
        assert_eq!(code(part(0, 0), 0), Some("upload.total"));
        assert_eq!(
            code(part(0, LARGEST_OBJECT_BYTES + 1), 1),
            Some("upload.total")
        );
        assert_eq!(
            code(part(0, 1 << 20), UPLOAD_PART_BYTES + 1),
            Some("upload.part")
        );
        assert_eq!(code(part(4, 6), 3), Some("upload.beyond_total"));
        assert_eq!(code(part(u64::MAX, 6), 1), Some("upload.beyond_total"));
    }

    #[test]
    fn one_sender_begins_so_many_uploads_and_others_are_not_held_up() {
        let dir = tempfile::tempdir().unwrap();
        let begin = |number: usize, sender: &str| {
            let file = PartFile::at(dir.path().join(format!("{number}.{sender}")));
            file.take(&Hash32([0; 32]), part(0, 9), b"x")
        };
        for number in 0..MOST_OPEN_PARTS {
            begin(number, "one").unwrap();
        }
        assert_eq!(begin(99, "one").unwrap_err().code(), "upload.too_many_open");
        begin(99, "other").unwrap();
    }
}
