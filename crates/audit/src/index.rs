//! The readable index: one line of CSV for every shown entry. It is made by the writer and again by the verifier, so
//! it can say nothing that the entries do not. It holds no answer, score, name or ticket number.

use crate::facts;
use crate::format::{LedgerHead, hex};
use fengjuan_core::event::{CATALOGUE, Event, EventClass, EventKind};
use fengjuan_wire::entry::Entry;

/// China Standard Time; the whole country has one.
const BEIJING_MS: i64 = 8 * 3_600_000;

/// Titles of a class in Chinese.
pub(crate) fn class_zh(class: EventClass) -> &'static str {
    match class {
        EventClass::System => "系统",
        EventClass::Application => "应用",
        EventClass::Database => "数据库",
        EventClass::Exam => "考试",
    }
}

/// Makes the lines of one archive.
pub(crate) struct IndexLines {
    /// Device and ledger of the lines that follow, as they stand in a line.
    place: Vec<u8>,
    kinds: Kinds,
    /// Class, title and name of every kind, as they stand in a line.
    labels: Vec<Vec<u8>>,
    exam: Clock,
    wall: Clock,
    text: String,
}

impl Default for IndexLines {
    fn default() -> Self {
        let label = |row: &EventKind| {
            format!(",{},{},{},", class_zh(row.class), row.zh, row.kind).into_bytes()
        };
        Self {
            place: Vec::new(),
            kinds: Kinds::default(),
            labels: CATALOGUE.iter().map(label).collect(),
            exam: Clock::default(),
            wall: Clock::default(),
            text: String::new(),
        }
    }
}

impl IndexLines {
    /// The first line, with the mark that makes spreadsheets read UTF-8.
    pub(crate) fn heading() -> Vec<u8> {
        "\u{feff}考试时间(北京),系统时间(北京),设备,记录,序号,类别,事件,event,作答,准考证摘要,操作者,摘要\r\n"
            .as_bytes()
            .to_vec()
    }

    /// The lines that follow are of this ledger.
    pub(crate) fn ledger(&mut self, head: &LedgerHead) {
        self.place.clear();
        field(&mut self.place, &head.device_name);
        self.place.push(b',');
        self.place
            .extend_from_slice(hex(&head.ledger_id[..4]).as_bytes());
        self.place.push(b',');
    }

    /// The line of an entry as stored. An entry that cannot be read gets a line that says so; no verifier comes as
    /// far as comparing it.
    pub(crate) fn stored(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let Ok(entry) = Entry::decode(bytes) else {
            out.extend_from_slice(b",,");
            out.extend_from_slice(&self.place);
            out.extend_from_slice(b",,,unreadable,,,,\r\n");
            return;
        };
        let kind = self.kinds.find(entry.kind);
        let event = if entry.sealed {
            None
        } else {
            entry.event(None).ok()
        };
        match kind {
            Some(kind) => self.line(out, &entry, kind, event.as_ref()),
            None => out.extend_from_slice(b",,,,,,,unknown kind,,,,\r\n"),
        }
    }

    /// The line of an entry. `kind` is its row number in the catalogue.
    pub(crate) fn line(
        &mut self,
        out: &mut Vec<u8>,
        entry: &Entry<'_>,
        kind: usize,
        event: Option<&Event>,
    ) {
        if let Some(exam_ms) = entry.exam_ms {
            self.exam.write(out, exam_ms);
        }
        out.push(b',');
        self.wall.write(out, entry.wall_ms);
        out.push(b',');
        out.extend_from_slice(&self.place);
        number(out, entry.seq);
        out.extend_from_slice(&self.labels[kind]);
        if let Some(attempt) = &entry.attempt {
            short_hex(out, attempt);
        }
        out.push(b',');
        if let Some(ticket) = event.and_then(facts::ticket_hash) {
            short_hex(out, &ticket.0);
        }
        out.push(b',');
        field(out, entry.actor);
        out.push(b',');
        match event {
            Some(event) => {
                self.text.clear();
                facts::write(event, &mut self.text);
                field(out, &self.text);
            }
            None => out.extend_from_slice("(密封)".as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// A field of CSV (RFC 4180). Text that a spreadsheet would take for a formula is led by an apostrophe.
fn field(out: &mut Vec<u8>, text: &str) {
    let formula = matches!(
        text.as_bytes().first(),
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
    );
    let quoted = text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if quoted {
        out.push(b'"');
    }
    if formula {
        out.push(b'\'');
    }
    if quoted {
        for byte in text.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The first four bytes.
fn short_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in &bytes[..4] {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes times; remembers the day, because neighbours share it.
#[derive(Default)]
struct Clock {
    day: Option<i64>,
    date: [u8; 10],
}

const DAY_MS: i64 = 24 * 3_600_000;

impl Clock {
    fn write(&mut self, out: &mut Vec<u8>, unix_ms: i64) {
        let local_ms = unix_ms.saturating_add(BEIJING_MS);
        let day = local_ms.div_euclid(DAY_MS);
        if self.day != Some(day) {
            let Some(date) = date_of(day) else {
                // Years beyond four digits are no times of an exam; the number is.
                out.extend_from_slice(format!("{unix_ms} ms").as_bytes());
                return;
            };
            (self.day, self.date) = (Some(day), date);
        }
        let ms = local_ms.rem_euclid(DAY_MS) as u32;
        let digit = |value: u32| b'0' + (value % 10) as u8;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let mut text = *b"0000-00-00 00:00:00.000";
        text[..10].copy_from_slice(&self.date);
        for (at, value) in [(11, hour), (14, minute), (17, second)] {
            text[at] = digit(value / 10);
            text[at + 1] = digit(value);
        }
        text[20] = digit(ms / 100);
        text[21] = digit(ms / 10);
        text[22] = digit(ms);
        out.extend_from_slice(&text);
    }
}

/// The date of a day counted from 1970-01-01, in the proleptic Gregorian calendar; `None` outside the years 0 to 9999.
/// Days are counted in years that begin in March, in which a leap day is the last.
fn date_of(day: i64) -> Option<[u8; 10]> {
    const CYCLE: i64 = 146_097;
    /// 0000-03-01 in days before 1970-01-01.
    const SHIFT: i64 = 719_468;
    if !(-719_528..=2_932_896).contains(&day) {
        return None;
    }
    let since = day + SHIFT;
    let (cycle, in_cycle) = (since.div_euclid(CYCLE), since.rem_euclid(CYCLE));
    let year = (in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (year, month + 3)
    } else {
        (year + 1, month - 9)
    };
    let mut text = *b"0000-00-00";
    let digit = |value: i64| b'0' + (value % 10) as u8;
    let year = cycle * 400 + year;
    text[..4].copy_from_slice(&[
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
    ]);
    text[5..7].copy_from_slice(&[digit(month / 10), digit(month)]);
    text[8..].copy_from_slice(&[digit(day / 10), digit(day)]);
    Some(text)
}

/// The time of day and date in Beijing.
pub(crate) fn beijing(unix_ms: i64) -> String {
    let mut out = Vec::new();
    Clock::default().write(&mut out, unix_ms);
    String::from_utf8_lossy(&out).into_owned()
}

/// Looks kinds up in the catalogue, the last hits first: few kinds make up nearly all of a ledger.
#[derive(Default)]
pub(crate) struct Kinds {
    recent: [usize; 4],
    next: usize,
}

impl Kinds {
    /// The kind's row number in the catalogue.
    #[inline]
    pub(crate) fn find(&mut self, kind: &str) -> Option<usize> {
        for row in self.recent {
            if CATALOGUE[row].kind == kind {
                return Some(row);
            }
        }
        let row = CATALOGUE.iter().position(|row| row.kind == kind)?;
        self.recent[self.next] = row;
        self.next = (self.next + 1) % self.recent.len();
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        field(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_quoted_and_never_formulas() {
        assert_eq!(written("停电"), "停电");
        assert_eq!(written("a,b\"c"), "\"a,b\"\"c\"");
        assert_eq!(written("=1+1"), "'=1+1");
        assert_eq!(written("-x,y"), "\"'-x,y\"");
    }

    #[test]
    fn times_are_beijings_also_before_1970_and_beyond_reason() {
        assert_eq!(beijing(0), "1970-01-01 08:00:00.000");
        assert_eq!(beijing(1_795_136_400_123), "2026-11-20 09:00:00.123");
        assert_eq!(beijing(-5), "1970-01-01 07:59:59.995");
        assert_eq!(beijing(i64::MAX), format!("{} ms", i64::MAX));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for day in (-719_528..=2_932_896)
            .step_by(61)
            .chain([-719_528, 0, 11_016, 2_932_896])
        {
            let expected = chrono::DateTime::from_timestamp(day * 86_400, 0).unwrap();
            let expected = expected.format("%Y-%m-%d").to_string();
            assert_eq!(date_of(day).unwrap(), expected.as_bytes(), "day {day}");
        }
        assert_eq!((date_of(-719_529), date_of(2_932_897)), (None, None));
    }

    #[test]
    fn every_kind_is_found_in_any_order_and_no_other() {
        let mut kinds = Kinds::default();
        for _ in 0..3 {
            for (number, row) in CATALOGUE.iter().enumerate() {
                assert_eq!(kinds.find(row.kind), Some(number));
            }
        }
        assert_eq!(kinds.find("exam.answer_save"), None);
        assert_eq!(kinds.find(""), None);
    }
}
