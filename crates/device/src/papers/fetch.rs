//! Bytes from the upstream: small documents into memory, packages into a part that goes on where it ended.

use super::PapersError;
use crate::upstream::{Upstream, UpstreamError};
use crate::view::PullState;
use fengjuan_envelope::Sha256Stream;
use fengjuan_wire::Hash32;
use fengjuan_wire::sitting::PackageRef;
use fengjuan_wire::upstream::{LARGEST_BODY_BYTES, Offered};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes asked for in one call: as much as a server gives in one answer.
const RANGE: u64 = 8 * 1024 * 1024;

pub(super) type Progress<'a> = dyn Fn(PullState) + Send + Sync + 'a;

pub(super) struct Meter<'a> {
    pub(super) progress: &'a Progress<'a>,
    pub(super) done: u64,
    pub(super) total: u64,
}

impl Meter<'_> {
    fn show(&self, what: &str, more: u64) {
        (self.progress)(PullState::Running {
            what: what.to_owned(),
            done_bytes: self.done + more,
            total_bytes: self.total.max(self.done + more),
        });
    }
}

pub(super) async fn fetch_small<U: Upstream>(
    upstream: &U,
    offered: &Offered,
) -> Result<Vec<u8>, PapersError> {
    if offered.bytes > LARGEST_BODY_BYTES as u64 {
        return Err(UpstreamError::malformed("a document that is too long").into());
    }
    let mut bytes = Vec::new();
    let mut sink = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(())
    };
    upstream
        .fetch_range(&offered.hash, 0, offered.bytes, &mut sink)
        .await?;
    if (bytes.len() as u64) < offered.bytes {
        return Err(PapersError::Truncated);
    }
    if fengjuan_wire::hash(&bytes) != offered.hash {
        return Err(PapersError::Hash);
    }
    Ok(bytes)
}

/// Goes on with a part from where it is until it has its length; what arrives is kept whatever happens next. The hash of
/// all its bytes: taken while they come, and of what an earlier pull has left, from the disk.
pub(super) async fn fetch_part<U: Upstream>(
    upstream: &U,
    part: &Path,
    package: &PackageRef,
    meter: &Meter<'_>,
    what: &str,
) -> Result<Hash32, PapersError> {
    let mut file = File::options()
        .create(true)
        .read(true)
        .append(true)
        .open(part)?;
    let mut have = file.metadata()?.len();
    if have > package.bytes {
        file.set_len(0)?;
        have = 0;
    }
    let mut digest = Sha256Stream::new();
    if have > 0 {
        (file, digest) = off_thread(move || hash_of_part(file, have)).await?;
    }
    while have < package.bytes {
        meter.show(what, have);
        let to = package.bytes.min(have + RANGE);
        let mut got = 0;
        let mut sink = |chunk: &[u8]| {
            file.write_all(chunk)?;
            digest.update(chunk);
            got += chunk.len() as u64;
            Ok(())
        };
        let result = upstream
            .fetch_range(&package.hash, have, to, &mut sink)
            .await;
        have += got;
        result?;
        if got == 0 {
            return Err(PapersError::Truncated);
        }
    }
    meter.show(what, have);
    off_thread(move || file.sync_all()).await?;
    Ok(Hash32(digest.finish()))
}

fn hash_of_part(file: File, bytes: u64) -> io::Result<(File, Sha256Stream)> {
    let mut digest = Sha256Stream::new();
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    while at < bytes {
        let now = piece
            .len()
            .min(usize::try_from(bytes - at).unwrap_or(usize::MAX));
        file.read_exact_at(&mut piece[..now], at)?;
        digest.update(&piece[..now]);
        at += now as u64;
    }
    Ok((file, digest))
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| io::Error::other(error.to_string()))?
}
