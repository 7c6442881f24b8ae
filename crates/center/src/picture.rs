//! Pictures that come with a bank or a roster: from a folder or a zip, decoded once to see that they are what they
//! say, within limits.

use crate::fault::Reason;
use image::{ImageFormat, ImageReader, Limits};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read};
use std::path::{Component, Path, PathBuf};
use zip::ZipArchive;

const LARGEST_PICTURE: u64 = 8 * 1024 * 1024;
const MOST_ENTRIES: usize = 20_000;
const LARGEST_TOTAL: u64 = 2 * 1024 * 1024 * 1024;

/// Where pictures come from.
pub enum PictureSource {
    None,
    Folder(PathBuf),
    Zip {
        archive: Box<ZipArchive<BufReader<File>>>,
        names: BTreeMap<String, usize>,
    },
}

/// What a picture must be.
#[derive(Clone, Copy, Debug)]
pub struct PictureLimits {
    pub least: (u32, u32),
    pub most: (u32, u32),
    pub most_bytes: u64,
}

/// Drawings in stems and options.
pub const DRAWING: PictureLimits = PictureLimits {
    least: (8, 8),
    most: (4096, 4096),
    most_bytes: 4 * 1024 * 1024,
};
/// Registered photos of candidates.
pub const PHOTO: PictureLimits = PictureLimits {
    least: (100, 120),
    most: (3000, 4000),
    most_bytes: 2 * 1024 * 1024,
};

impl PictureSource {
    /// A folder or a zip file.
    pub fn open(path: &Path) -> Result<PictureSource, Reason> {
        if path.is_dir() {
            return Ok(PictureSource::Folder(path.to_owned()));
        }
        let broken = || {
            Reason::new(
                "zip.broken",
                "图片既不是文件夹，也不是完整的 zip",
                "neither a folder nor a whole zip",
            )
        };
        let file = File::open(path).map_err(|_| broken())?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| broken())?;
        if archive.len() > MOST_ENTRIES {
            return Err(Reason::new(
                "zip.too_many",
                "zip 内文件过多",
                "too many files in the zip",
            ));
        }
        let mut names = BTreeMap::new();
        let mut total = 0u64;
        for place in 0..archive.len() {
            let entry = archive.by_index_raw(place).map_err(|_| broken())?;
            total = total.saturating_add(entry.size());
            let name = entry.name().map_err(|_| broken())?.replace('\\', "/");
            if !is_inside(&name) {
                return Err(Reason::new(
                    "zip.outside",
                    "zip 内有指向文件夹以外的路径",
                    "the zip holds a path outside its folder",
                ));
            }
            if entry.is_file() {
                let last = name.rsplit('/').next().unwrap_or(&name).to_owned();
                names.entry(last).or_insert(place);
                names.insert(name, place);
            }
        }
        if total > LARGEST_TOTAL {
            return Err(Reason::new(
                "zip.too_large",
                "zip 解压后过大",
                "the zip unpacks to too much",
            ));
        }
        Ok(PictureSource::Zip {
            archive: Box::new(archive),
            names,
        })
    }

    /// A picture's bytes, decoded once. `photo` speaks of a photo instead of a picture.
    pub fn get(&mut self, name: &str, limits: &PictureLimits) -> Result<Vec<u8>, Reason> {
        let bytes = self.bytes(name, limits)?;
        check(&bytes, limits)?;
        Ok(bytes)
    }

    fn bytes(&mut self, name: &str, limits: &PictureLimits) -> Result<Vec<u8>, Reason> {
        let not_found = || Reason::new("picture.not_found", "找不到这张图片", "picture not found");
        let outside = || {
            Reason::new(
                "picture.outside",
                "图片路径超出了图片文件夹",
                "picture outside the folder",
            )
        };
        if !is_inside(name) {
            return Err(outside());
        }
        let reader: Box<dyn Read> = match self {
            PictureSource::None => return Err(not_found()),
            PictureSource::Folder(folder) => {
                let path = fs::canonicalize(folder.join(name)).map_err(|_| not_found())?;
                let folder = fs::canonicalize(folder).map_err(|_| not_found())?;
                if !path.starts_with(folder) {
                    return Err(outside());
                }
                Box::new(File::open(path).map_err(|_| not_found())?)
            }
            PictureSource::Zip { archive, names } => {
                let place = *names.get(name).ok_or_else(not_found)?;
                Box::new(archive.by_index(place).map_err(|_| not_found())?)
            }
        };
        let mut bytes = Vec::new();
        let largest = limits.most_bytes.min(LARGEST_PICTURE);
        reader
            .take(largest + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| not_found())?;
        if bytes.len() as u64 > largest {
            let mb = largest / 1024 / 1024;
            return Err(Reason::new(
                "picture.too_many_bytes",
                format!("图片超过 {mb} MB"),
                format!("picture larger than {mb} MB"),
            ));
        }
        Ok(bytes)
    }
}

/// Only plain names below the folder: no `..`, no absolute path, no drive letter.
fn is_inside(name: &str) -> bool {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain && !name.is_empty() && !name.contains(['\\', '\0', ':'])
}

fn check(bytes: &[u8], limits: &PictureLimits) -> Result<(), Reason> {
    let not_a_picture = || {
        Reason::new(
            "picture.not_a_picture",
            "不是 PNG 或 JPEG 图片",
            "not a picture",
        )
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| not_a_picture())?;
    let format = reader
        .format()
        .filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg));
    let format = format.ok_or_else(not_a_picture)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err(Reason::new(
            "picture.cut_short",
            "图片不完整，被截断",
            "picture is cut short",
        ));
    }
    let mut most = Limits::default();
    most.max_image_width = Some(limits.most.0);
    most.max_image_height = Some(limits.most.1);
    most.max_alloc = Some(256 * 1024 * 1024);
    reader.limits(most);
    let size = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| not_a_picture())?
        .into_dimensions()
        .map_err(|_| not_a_picture())?;
    if size.0 > limits.most.0 || size.1 > limits.most.1 {
        let (width, height) = limits.most;
        return Err(Reason::new(
            "picture.too_large",
            format!("图片大于 {width}×{height} 像素"),
            format!("picture larger than {width}×{height} pixels"),
        ));
    }
    if size.0 < limits.least.0 || size.1 < limits.least.1 {
        let (width, height) = limits.least;
        return Err(Reason::new(
            "picture.too_small",
            format!("图片小于 {width}×{height} 像素"),
            format!("picture smaller than {width}×{height} pixels"),
        ));
    }
    reader.decode().map_err(|_| not_a_picture())?;
    Ok(())
}

/// Decoders show what there is of a cut JPEG; the end marker tells. One before the last scan is a thumbnail's.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    match (last([0xff, 0xd9]), last([0xff, 0xda])) {
        (Some(end), Some(scan)) => end > scan,
        _ => false,
    }
}

/// The photo as JPEG: packages hold nothing else.
pub(crate) fn as_jpeg(bytes: Vec<u8>) -> Result<Vec<u8>, Reason> {
    if bytes.starts_with(&[0xff, 0xd8]) {
        return Ok(bytes);
    }
    let failed = |_| {
        Reason::new(
            "picture.not_a_picture",
            "不是 PNG 或 JPEG 图片",
            "not a picture",
        )
    };
    let picture = image::load_from_memory(&bytes).map_err(failed)?.into_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    picture
        .write_to(&mut jpeg, ImageFormat::Jpeg)
        .map_err(failed)?;
    Ok(jpeg.into_inner())
}
