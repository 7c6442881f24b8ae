//! Looks for readable paper in every file of a run: as UTF-8, UTF-16 (both orders), base64 in all three alignments,
//! and the bytes of pictures.

use anyhow::Context;
use data_encoding::BASE64;
use memchr::memmem;
use std::path::{Path, PathBuf};

/// Words that must not be readable anywhere, with the name under which a hit is reported.
pub struct Canary {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Every form of a text that the scan looks for.
pub fn canaries_of_text(name: &str, words: &str) -> Vec<Canary> {
    let mut all = vec![canary(name, "UTF-8", words.as_bytes().to_vec())];
    all.push(canary(
        name,
        "UTF-16LE",
        words.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ));
    all.push(canary(
        name,
        "UTF-16BE",
        words.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ));
    all.extend(base64_forms(name, words.as_bytes()));
    let escaped: String = words
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                format!("\\u{:04x}", c as u32)
            }
        })
        .collect();
    if escaped != words {
        all.push(canary(name, "JSON escapes", escaped.into_bytes()));
    }
    all
}

/// Forms of a picture: a run of its compressed bytes, and the same in base64.
pub fn canaries_of_picture(name: &str, file: &[u8]) -> Vec<Canary> {
    let middle = file.len() / 2;
    let run = &file[middle..(middle + 48).min(file.len())];
    let mut all = vec![canary(name, "picture bytes", run.to_vec())];
    all.extend(base64_forms(name, run));
    all
}

fn canary(name: &str, form: &str, bytes: Vec<u8>) -> Canary {
    Canary {
        name: format!("{name} as {form}"),
        bytes,
    }
}

/// Base64 of a run inside longer data depends on where it starts: three alignments, without the symbols that mix
/// with their neighbours.
fn base64_forms(name: &str, bytes: &[u8]) -> Vec<Canary> {
    (0..3)
        .map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            let text = BASE64.encode(&padded);
            let text = text.trim_end_matches('=');
            let first = (shift * 8).div_ceil(6);
            canary(
                name,
                "base64",
                text.as_bytes()[first..text.len() - 2].to_vec(),
            )
        })
        .collect()
}

/// One file that holds one canary.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit {
    pub file: PathBuf,
    pub canary: String,
}

/// Scans every byte of every file below a folder. Returns how many files and bytes were read, and the hits.
pub fn scan(folder: &Path, canaries: &[Canary]) -> anyhow::Result<(usize, u64, Vec<Hit>)> {
    let mut folders = vec![folder.to_path_buf()];
    let (mut files, mut total, mut hits) = (0, 0, Vec::new());
    while let Some(next) = folders.pop() {
        for entry in
            std::fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))?
        {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = match std::fs::read(entry.path()) {
                    Ok(bytes) => bytes,
                    // A file may go while the app runs; one that is there and cannot be read was not scanned.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => {
                        return Err(error)
                            .with_context(|| format!("reading {}", entry.path().display()));
                    }
                };
                files += 1;
                total += bytes.len() as u64;
                hits.extend(
                    canaries
                        .iter()
                        .filter(|canary| memmem::find(&bytes, &canary.bytes).is_some())
                        .map(|canary| Hit {
                            file: entry.path(),
                            canary: canary.name.clone(),
                        }),
                );
            }
        }
    }
    Ok((files, total, hits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_planted_canary_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let words = "金丝雀题干CANARY-7";
        let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            words.encode_utf16().flat_map(order).collect()
        };
        let mut planted = vec![
            ("plain", words.as_bytes().to_vec()),
            ("UTF-16LE", wide(u16::to_le_bytes)),
            ("UTF-16BE", wide(u16::to_be_bytes)),
            ("JSON", br"\u91d1\u4e1d\u96c0\u9898\u5e72CANARY-7".to_vec()),
        ];
        for prefix in ["", "p", "pr"] {
            planted.push((
                "base64",
                BASE64
                    .encode(format!("{prefix}{words} suffix").as_bytes())
                    .into_bytes(),
            ));
        }
        for (name, bytes) in planted {
            assert_eq!(
                hits_in(folder.path(), &bytes, &canaries_of_text("stem", words)),
                1,
                "{name}"
            );
        }
        let picture: Vec<u8> = (0..600u32)
            .map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let canaries = canaries_of_picture("picture", &picture);
        assert_eq!(hits_in(folder.path(), &picture, &canaries), 1, "picture");
        let base64 = BASE64.encode(&picture).into_bytes();
        assert_eq!(
            hits_in(folder.path(), &base64, &canaries),
            1,
            "picture in base64"
        );
        assert_eq!(
            hits_in(folder.path(), &picture[..280], &canaries),
            0,
            "another picture"
        );
        std::fs::write(folder.path().join("clean"), "题干").unwrap();
        assert!(
            scan(folder.path(), &canaries_of_text("stem", words))
                .unwrap()
                .2
                .is_empty()
        );
    }

    /// Hits in a file of these bytes between others.
    fn hits_in(folder: &Path, bytes: &[u8], canaries: &[Canary]) -> usize {
        let path = folder.join("planted");
        std::fs::write(&path, [b"before ", bytes, b" behind"].concat()).unwrap();
        let (files, _, hits) = scan(folder, canaries).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(files, 1);
        hits.len()
    }

    #[test]
    fn a_place_that_cannot_be_scanned_is_an_error() {
        assert!(scan(Path::new("/nonexistent"), &[]).is_err());
    }
}
