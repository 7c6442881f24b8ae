//! Tables from .xlsx and .csv as rows of trimmed text.

use crate::fault::{Faults, Reason};
use calamine::{Data, Reader, Xlsx};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

const LARGEST_FILE: u64 = 64 * 1024 * 1024;
const LARGEST_UNPACKED: u64 = 512 * 1024 * 1024;
const MOST_ROWS: usize = 200_000;

/// A sheet with its header; blank rows are left out, and rows keep the numbers that a spreadsheet shows.
#[derive(Clone, Debug)]
pub struct Table {
    pub sheet: String,
    columns: BTreeMap<String, usize>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub number: u32,
    cells: Vec<String>,
}

impl Table {
    /// A cell by its column's name; empty where the table has no such column.
    pub fn cell<'a>(&self, row: &'a Row, column: &str) -> &'a str {
        let place = self.columns.get(column);
        place
            .and_then(|place| row.cells.get(*place))
            .map_or("", String::as_str)
    }
}

/// Reads a table that must have the `required` columns. What is wrong with the file, the header or the shape of a row
/// is added to `faults`; `None` where no row can be read.
pub fn read(path: &Path, required: &[&str], nothing: Reason, faults: &mut Faults) -> Option<Table> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            faults.add(&name, None, "", reason);
            return None;
        }
    };
    let is_xlsx = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
    let cells = if is_xlsx {
        xlsx(&name, bytes)
    } else {
        csv(&name, &bytes)
    };
    let (sheet, cells) = match cells {
        Ok(found) => found,
        Err(reason) => {
            faults.add(&name, None, "", reason);
            return None;
        }
    };
    table(sheet, cells, required, nothing, faults)
}

type Cells = (String, Vec<(u32, Vec<String>)>);

fn read_file(path: &Path) -> Result<Vec<u8>, Reason> {
    let unreadable = |_| Reason::new("file.unreadable", "文件打不开", "the file cannot be read");
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Reason::new(
            "file.too_large",
            "文件超过 64 MB",
            "the file is larger than 64 MB",
        ));
    }
    Ok(bytes)
}

fn csv(name: &str, bytes: &[u8]) -> Result<Cells, Reason> {
    let text = text(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (place, record) in (1u32..).zip(reader.records()) {
        let record = record.map_err(|_| {
            Reason::new(
                "csv.malformed",
                "不是规范的 CSV 文件",
                "not a well-formed csv file",
            )
        })?;
        rows.push((
            place,
            record.iter().map(|cell| cell.trim().to_owned()).collect(),
        ));
        if rows.len() > MOST_ROWS {
            return Err(too_many_rows());
        }
    }
    Ok((name.to_owned(), rows))
}

/// UTF-8 first, because UTF-8 Chinese also decodes as GB18030 without an error.
fn text(bytes: &[u8]) -> Result<String, Reason> {
    let not_text = || {
        Reason::new(
            "csv.not_text",
            "不是文本文件（应为 UTF-8 或 GB18030）",
            "not text",
        )
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let (text, bad) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
            if bad {
                return Err(not_text());
            }
            text.into_owned()
        }
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(odd) {
        Err(not_text())
    } else {
        Ok(text)
    }
}

fn xlsx(name: &str, bytes: Vec<u8>) -> Result<Cells, Reason> {
    let broken = || {
        Reason::new(
            "xlsx.broken",
            "不是完整的 Excel 工作簿",
            "not a whole workbook",
        )
    };
    check_unpacked_size(&bytes)?;
    let mut book: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(bytes)).map_err(|_| broken())?;
    let sheet = book.sheet_names().first().cloned().ok_or_else(broken)?;
    let range = book.worksheet_range(&sheet).map_err(|_| broken())?;
    let first = range.start().map_or(0, |(row, _)| row);
    if range.height() > MOST_ROWS {
        return Err(too_many_rows());
    }
    let rows = (first + 1..)
        .zip(range.rows())
        .map(|(number, row)| (number, row.iter().map(cell_text).collect()));
    Ok((format!("{name}:{sheet}"), rows.collect()))
}

/// A workbook is a zip: what it unpacks to is checked before anything is unpacked.
fn check_unpacked_size(bytes: &[u8]) -> Result<(), Reason> {
    let broken = |_| {
        Reason::new(
            "xlsx.broken",
            "不是完整的 Excel 工作簿",
            "not a whole workbook",
        )
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut total = 0u64;
    for place in 0..archive.len() {
        total = total.saturating_add(archive.by_index_raw(place).map_err(broken)?.size());
    }
    if total > LARGEST_UNPACKED {
        return Err(Reason::new(
            "xlsx.too_large",
            "工作簿解压后过大",
            "the workbook unpacks to too much",
        ));
    }
    Ok(())
}

fn too_many_rows() -> Reason {
    Reason::new(
        "file.too_many_rows",
        "行数过多（上限 20 万行）",
        "too many rows (200,000 at most)",
    )
}

fn cell_text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        // Excel keeps whole numbers as floats; they must not get a decimal point.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e18 => {
            format!("{number:.0}")
        }
        other => other.to_string().trim().to_owned(),
    }
}

fn table(
    sheet: String,
    cells: Vec<(u32, Vec<String>)>,
    required: &[&str],
    nothing: Reason,
    faults: &mut Faults,
) -> Option<Table> {
    let blank = |row: &(u32, Vec<String>)| row.1.iter().all(String::is_empty);
    let mut rows = cells.into_iter().filter(|row| !blank(row));
    let Some((header_row, header)) = rows.next() else {
        faults.add(
            &sheet,
            Some(1),
            "",
            Reason::new("table.no_header", "没有表头", "no header"),
        );
        return None;
    };
    let width = header
        .iter()
        .rposition(|name| !name.is_empty())
        .map_or(0, |last| last + 1);
    let before = faults.list.len();
    let mut columns = BTreeMap::new();
    for (place, name) in header
        .into_iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
    {
        if columns.insert(name.clone(), place).is_some() {
            faults.add(
                &sheet,
                Some(header_row),
                &name,
                Reason::new("table.column_twice", "列名重复", "column twice"),
            );
        }
    }
    for name in required.iter().filter(|name| !columns.contains_key(**name)) {
        faults.add(
            &sheet,
            Some(header_row),
            name,
            Reason::new("table.column_missing", "缺少这一列", "column missing"),
        );
    }
    if faults.list.len() > before {
        return None;
    }
    let mut kept = Vec::new();
    for (number, cells) in rows {
        if cells.len() < width {
            faults.add(
                &sheet,
                Some(number),
                "",
                Reason::new("table.short_row", "列数不足", "too few columns"),
            );
        } else {
            kept.push(Row { number, cells });
        }
    }
    if kept.is_empty() && faults.list.len() == before {
        faults.add(&sheet, Some(header_row), "", nothing);
    }
    Some(Table {
        sheet,
        columns,
        rows: kept,
    })
}
