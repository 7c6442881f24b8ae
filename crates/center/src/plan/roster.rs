//! The roster: from rows of a spreadsheet to candidates with photos.

use crate::fault::{Faults, Reason};
use crate::picture::{self, PHOTO, PictureSource};
use crate::sheet::{Row, Table};
use fengjuan_core::roster::{Accommodation, Candidate, TextSize};
use std::collections::BTreeMap;

pub(super) const REQUIRED: &[&str] = &[
    "姓名",
    "证件类型",
    "证件号码",
    "准考证号",
    "考位号",
    "班级",
    "缴费状态",
    "照片",
];

const MOST_EXTRA_MINUTES: u32 = 240;
const ID_CARD: &[&str] = &["身份证", "居民身份证"];

/// Where a roster's 班级 leads.
#[derive(Clone, Debug)]
pub(super) struct ClassPlace {
    pub sitting_no: String,
    pub class_no: String,
    /// Makeups cost nothing.
    pub fee_needed: bool,
}

/// One person of the roster.
#[derive(Clone, Debug)]
pub(super) struct Enlisted {
    pub row: u32,
    pub sitting_no: String,
    pub candidate: Candidate,
    pub photo: Vec<u8>,
}

pub(super) struct RosterReader<'a> {
    pub table: &'a Table,
    pub classes: &'a BTreeMap<String, ClassPlace>,
    pub photos: &'a mut PictureSource,
    pub faults: &'a mut Faults,
    ids: BTreeMap<String, u32>,
    tickets: BTreeMap<String, u32>,
    seats: BTreeMap<(String, u32), u32>,
}

impl<'a> RosterReader<'a> {
    pub fn new(
        table: &'a Table,
        classes: &'a BTreeMap<String, ClassPlace>,
        photos: &'a mut PictureSource,
        faults: &'a mut Faults,
    ) -> RosterReader<'a> {
        RosterReader {
            table,
            classes,
            photos,
            faults,
            ids: BTreeMap::new(),
            tickets: BTreeMap::new(),
            seats: BTreeMap::new(),
        }
    }

    /// Everybody whose row has no fault.
    pub fn read(&mut self) -> Vec<Enlisted> {
        let table = self.table;
        table
            .rows
            .iter()
            .filter_map(|row| self.person(row))
            .collect()
    }

    fn person(&mut self, row: &Row) -> Option<Enlisted> {
        let before = self.faults.list.len();
        let name = self.filled(
            row,
            "姓名",
            Reason::new("roster.no_name", "没有姓名", "no name"),
        );
        let id_type = self.cell(row, "证件类型");
        let id_no = self.id(row, &id_type);
        let ticket_no = self.ticket(row);
        let class = self.class(row);
        let seat_no = self.seat(row, class.as_ref());
        self.fee(row, class.as_ref());
        let photo = self.photo(row);
        let accommodation = self.accommodation(row);
        if self.faults.list.len() > before {
            return None;
        }
        let class = class?;
        let candidate = Candidate {
            ticket_no,
            name,
            sex: self.cell(row, "性别"),
            id_type,
            id_no,
            seat_no,
            class_no: class.class_no,
            employer: self.cell(row, "单位"),
            training_org: self.cell(row, "培训机构"),
            photo: 0,
            accommodation,
        };
        Some(Enlisted {
            row: row.number,
            sitting_no: class.sitting_no,
            candidate,
            photo: photo?,
        })
    }

    fn cell(&self, row: &Row, column: &str) -> String {
        self.table.cell(row, column).to_owned()
    }

    fn fault(&mut self, row: &Row, column: &str, reason: Reason) {
        self.faults
            .add(&self.table.sheet, Some(row.number), column, reason);
    }

    fn filled(&mut self, row: &Row, column: &str, reason: Reason) -> String {
        let text = self.cell(row, column);
        if text.is_empty() {
            self.fault(row, column, reason);
        }
        text
    }

    fn id(&mut self, row: &Row, id_type: &str) -> String {
        let column = "证件号码";
        let id_no = self.cell(row, column).to_uppercase();
        if id_type.is_empty() {
            self.fault(
                row,
                "证件类型",
                Reason::new("roster.no_id_type", "没有证件类型", "no ID type"),
            );
        }
        if let Some(first) = self.ids.get(&id_no) {
            let reason = Reason::new(
                "roster.id_twice",
                format!("证件号码与第 {first} 行相同"),
                format!("same ID as row {first}"),
            );
            self.fault(row, column, reason);
            return id_no;
        }
        let wrong = if ID_CARD.contains(&id_type) {
            id_card_fault(&id_no)
        } else {
            other_id_fault(&id_no)
        };
        match wrong {
            Some(reason) => self.fault(row, column, reason),
            None => {
                self.ids.insert(id_no.clone(), row.number);
            }
        }
        id_no
    }

    fn ticket(&mut self, row: &Row) -> String {
        let column = "准考证号";
        let ticket = self.cell(row, column);
        if ticket.len() != 16 || !ticket.bytes().all(|byte| byte.is_ascii_digit()) {
            self.fault(
                row,
                column,
                Reason::new(
                    "roster.bad_ticket",
                    "准考证号应为 16 位数字",
                    "ticket is not 16 digits",
                ),
            );
        } else if let Some(first) = self.tickets.get(&ticket) {
            let reason = Reason::new(
                "roster.ticket_twice",
                format!("准考证号与第 {first} 行相同"),
                format!("same ticket as row {first}"),
            );
            self.fault(row, column, reason);
        } else {
            self.tickets.insert(ticket.clone(), row.number);
        }
        ticket
    }

    fn class(&mut self, row: &Row) -> Option<ClassPlace> {
        let class = self.classes.get(self.table.cell(row, "班级")).cloned();
        if class.is_none() {
            self.fault(
                row,
                "班级",
                Reason::new(
                    "roster.unknown_class",
                    "计划中没有这个班级",
                    "class group not in the plan",
                ),
            );
        }
        class
    }

    fn seat(&mut self, row: &Row, class: Option<&ClassPlace>) -> u32 {
        let column = "考位号";
        let reason = match self.table.cell(row, column).parse::<i64>() {
            Err(_) => Reason::new(
                "roster.seat_no_number",
                "考位号应为数字",
                "seat is not a number",
            ),
            Ok(seat) if !(1..=9999).contains(&seat) => Reason::new(
                "roster.seat_range",
                "考位号应为正整数",
                "seat is not a positive number",
            ),
            Ok(seat) => {
                let seat = seat as u32;
                let sitting_no = class
                    .map(|class| class.sitting_no.clone())
                    .unwrap_or_default();
                let Some(first) = self.seats.insert((sitting_no, seat), row.number) else {
                    return seat;
                };
                Reason::new(
                    "roster.seat_twice",
                    format!("考位号与第 {first} 行相同"),
                    format!("same seat as row {first}"),
                )
            }
        };
        self.fault(row, column, reason);
        0
    }

    fn fee(&mut self, row: &Row, class: Option<&ClassPlace>) {
        let needed = class.is_none_or(|class| class.fee_needed);
        if needed && self.table.cell(row, "缴费状态") != "已缴费" {
            self.fault(
                row,
                "缴费状态",
                Reason::new("roster.unpaid", "未缴费，不能安排考试", "unpaid"),
            );
        }
    }

    fn photo(&mut self, row: &Row) -> Option<Vec<u8>> {
        let name = self.cell(row, "照片");
        let photo = if name.is_empty() {
            Err(Reason::new(
                "picture.not_found",
                "没有照片",
                "photo not found",
            ))
        } else {
            self.photos
                .get(&name, &PHOTO)
                .and_then(picture::as_jpeg)
                .map_err(of_photo)
        };
        match photo {
            Ok(photo) => Some(photo),
            Err(reason) => {
                self.fault(row, "照片", reason);
                None
            }
        }
    }

    fn accommodation(&mut self, row: &Row) -> Accommodation {
        let size_column = "便利措施_字号";
        let text_size = match self.table.cell(row, size_column) {
            "" | "标准" => TextSize::Standard,
            "大字" => TextSize::Large,
            "特大字" => TextSize::Largest,
            _ => {
                let reason = Reason::new(
                    "roster.bad_text_size",
                    "字号应为 大字、特大字 或留空",
                    "unknown text size",
                );
                self.fault(row, size_column, reason);
                TextSize::Standard
            }
        };
        let column = "便利措施_加时分钟";
        let minutes = self.cell(row, column);
        let extra_minutes = if minutes.is_empty() {
            Some(0)
        } else {
            minutes.parse().ok()
        };
        let extra_minutes = extra_minutes.filter(|minutes| *minutes <= MOST_EXTRA_MINUTES);
        if extra_minutes.is_none() {
            let reason = Reason::new(
                "roster.bad_minutes",
                "加时应为 0 到 240 的整数分钟",
                "minutes are not a whole number from 0",
            );
            self.fault(row, column, reason);
        }
        Accommodation {
            text_size,
            extra_minutes: extra_minutes.unwrap_or(0),
        }
    }
}

/// The same fault in the words of a photo.
fn of_photo(reason: Reason) -> Reason {
    match reason.code {
        "picture.not_found" => Reason::new(reason.code, "找不到照片", "photo not found"),
        "picture.outside" => Reason::new(
            reason.code,
            "照片路径超出了照片文件夹",
            "photo outside the folder",
        ),
        _ => reason,
    }
}

/// GB 11643: seventeen digits and a check character (ISO 7064, MOD 11-2).
fn id_card_fault(id_no: &str) -> Option<Reason> {
    let bytes = id_no.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return Some(Reason::new(
            "roster.bad_id",
            "身份证号码应为 18 位",
            "ID number is not 18 characters",
        ));
    }
    if bytes[17] == check_character(&bytes[..17]) {
        return None;
    }
    Some(Reason::new(
        "roster.bad_check_digit",
        "身份证号码校验位不对",
        "check digit is wrong",
    ))
}

fn check_character(digits: &[u8]) -> u8 {
    let remainder = digits
        .iter()
        .fold(0u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    b"10X98765432"[remainder as usize]
}

fn other_id_fault(id_no: &str) -> Option<Reason> {
    let plausible = (4..=30).contains(&id_no.len())
        && id_no
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"()-".contains(&byte));
    if plausible {
        None
    } else {
        Some(Reason::new(
            "roster.bad_other_id",
            "证件号码不合规",
            "not an ID number",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_character_of_the_standards_examples() {
        // GB 11643-1999, appendix A: 11010519491231002X and 440524188001010014.
        assert_eq!(check_character(b"11010519491231002"), b'X');
        assert_eq!(check_character(b"44052418800101001"), b'4');
        assert!(id_card_fault("11010519491231002X").is_none());
        assert_eq!(
            id_card_fault("110105194912310021").map(|r| r.code),
            Some("roster.bad_check_digit")
        );
        assert_eq!(
            id_card_fault("1101051949123").map(|r| r.code),
            Some("roster.bad_id")
        );
    }
}
