//! From a row of a spreadsheet to an item, or to everything that is wrong with it.

use super::{BankItem, BankOption};
use crate::fault::{Faults, Reason};
use crate::picture::{DRAWING, PictureSource};
use crate::sheet::{Row, Table};
use fengjuan_core::item::OptionSet;
use fengjuan_core::plan::ItemType;
use fengjuan_wire::Hash32;
use std::collections::BTreeMap;

const LETTERS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const MOST_POINTS: u32 = 100;
const LONGEST_TEXT: usize = 4000;

pub(super) const REQUIRED: &[&str] = &[
    "题号",
    "题型",
    "题干",
    "选项A",
    "选项B",
    "答案",
    "分值",
    "知识点",
];

/// Reads rows one after another; keeps the pictures that they use.
pub(super) struct RowReader<'a> {
    pub table: &'a Table,
    pub source: &'a mut PictureSource,
    pub pictures: BTreeMap<Hash32, Vec<u8>>,
    pub faults: Faults,
    numbers: BTreeMap<String, u32>,
}

impl<'a> RowReader<'a> {
    pub fn new(table: &'a Table, source: &'a mut PictureSource) -> RowReader<'a> {
        RowReader {
            table,
            source,
            pictures: BTreeMap::new(),
            faults: Faults::default(),
            numbers: BTreeMap::new(),
        }
    }

    /// The item, where nothing in the row is wrong.
    pub fn read(&mut self, row: &Row) -> Option<BankItem> {
        let before = self.faults.list.len();
        let item_no = self.number(row);
        let item_type = self.item_type(row)?;
        let stem = self.text(row, "题干");
        if stem.is_empty() {
            self.fault(
                row,
                "题干",
                Reason::new("bank.empty_stem", "题干为空", "empty stem"),
            );
        }
        let stem_picture = self.picture(row, "题干图片");
        let options = self.options(row, item_type);
        let options_whole = options.is_some();
        let options = options.unwrap_or_default();
        let right = if options_whole {
            self.answer(row, item_type, options.len())
        } else {
            OptionSet::EMPTY
        };
        let item = BankItem {
            item_no,
            item_type,
            stem,
            stem_picture,
            options,
            right,
            points: self.points(row),
            knowledge_point: self.text(row, "知识点"),
            difficulty: self.text(row, "难度"),
            keep_order: self.keep_order(row),
            case_no: Some(self.text(row, "案例号")).filter(|case| !case.is_empty()),
            case_text: Some(self.text(row, "案例文字")).filter(|text| !text.is_empty()),
        };
        if item.case_text.is_some() && item.case_no.is_none() {
            let reason = Reason::new(
                "bank.case_text_without_number",
                "有案例文字却没有案例号",
                "case text without a case number",
            );
            self.fault(row, "案例号", reason);
        }
        (self.faults.list.len() == before).then_some(item)
    }

    pub fn fault(&mut self, row: &Row, column: &str, reason: Reason) {
        self.faults
            .add(&self.table.sheet, Some(row.number), column, reason);
    }

    fn text(&mut self, row: &Row, column: &str) -> String {
        let text = self.table.cell(row, column).to_owned();
        if text.chars().count() > LONGEST_TEXT {
            self.fault(
                row,
                column,
                Reason::new(
                    "bank.too_long",
                    "超过 4000 字",
                    "longer than 4,000 characters",
                ),
            );
        }
        text
    }

    fn number(&mut self, row: &Row) -> String {
        let number = self.text(row, "题号");
        if number.is_empty() {
            self.fault(
                row,
                "题号",
                Reason::new("bank.no_number", "没有题号", "no number"),
            );
        } else if let Some(first) = self.numbers.get(&number) {
            let reason = Reason::new(
                "bank.number_twice",
                format!("题号与第 {first} 行重复"),
                format!("number already used in row {first}"),
            );
            self.fault(row, "题号", reason);
        } else {
            self.numbers.insert(number.clone(), row.number);
        }
        number
    }

    fn item_type(&mut self, row: &Row) -> Option<ItemType> {
        match self.table.cell(row, "题型") {
            "判断" | "判断题" => Some(ItemType::TrueFalse),
            "单选" | "单选题" => Some(ItemType::SingleChoice),
            "多选" | "多选题" => Some(ItemType::MultipleChoice),
            _ => {
                let reason = Reason::new(
                    "bank.unknown_type",
                    "题型应为 判断、单选 或 多选",
                    "unknown type",
                );
                self.fault(row, "题型", reason);
                None
            }
        }
    }

    fn picture(&mut self, row: &Row, column: &str) -> Option<Hash32> {
        let name = self.table.cell(row, column);
        if name.is_empty() {
            return None;
        }
        match self.source.get(name, &DRAWING) {
            Ok(bytes) => {
                let hash = fengjuan_wire::hash(&bytes);
                self.pictures.insert(hash, bytes);
                Some(hash)
            }
            Err(reason) => {
                self.fault(row, column, reason);
                None
            }
        }
    }

    /// All options, or none where their order has a gap or they are too few.
    fn options(&mut self, row: &Row, item_type: ItemType) -> Option<Vec<BankOption>> {
        if item_type == ItemType::TrueFalse {
            let option = |text: &str| BankOption {
                text: text.to_owned(),
                picture: None,
            };
            return Some(vec![option("对"), option("错")]);
        }
        let mut options: Vec<BankOption> = Vec::new();
        let mut gap = None;
        for letter in LETTERS {
            let (column, picture_column) = (format!("选项{letter}"), format!("选项{letter}图片"));
            let text = self.text(row, &column);
            if text.is_empty() && self.table.cell(row, &picture_column).is_empty() {
                gap.get_or_insert(column);
                continue;
            }
            if let Some(column) = gap {
                self.fault(
                    row,
                    &column,
                    Reason::new("bank.option_gap", "选项中间有空缺", "gap in the options"),
                );
                return None;
            }
            let option = BankOption {
                picture: self.picture(row, &picture_column),
                text,
            };
            if let Some(same) = options
                .iter()
                .position(|other| *other == option && !option.text.is_empty())
            {
                let first = LETTERS[same];
                let reason = Reason::new(
                    "bank.same_option",
                    format!("与选项{first}文字相同"),
                    format!("same text as option {first}"),
                );
                self.fault(row, &column, reason);
            }
            options.push(option);
        }
        if options.len() < 2 {
            let column = format!("选项{}", LETTERS[options.len()]);
            self.fault(
                row,
                &column,
                Reason::new("bank.few_options", "选项少于两个", "fewer than two options"),
            );
            return None;
        }
        Some(options)
    }

    fn answer(&mut self, row: &Row, item_type: ItemType, options: usize) -> OptionSet {
        let answer = self.table.cell(row, "答案").to_owned();
        match parse_answer(&answer, item_type, options) {
            Ok(right) => right,
            Err(reason) => {
                self.fault(row, "答案", reason);
                OptionSet::EMPTY
            }
        }
    }

    fn points(&mut self, row: &Row) -> u32 {
        let points = self.table.cell(row, "分值").parse::<u32>().ok();
        let points = points.filter(|points| (1..=MOST_POINTS).contains(points));
        if points.is_none() {
            let reason = Reason::new(
                "bank.bad_points",
                "分值应为 1 到 100 的整数",
                "points are not a positive whole number",
            );
            self.fault(row, "分值", reason);
        }
        points.unwrap_or(0)
    }

    fn keep_order(&mut self, row: &Row) -> bool {
        match self.table.cell(row, "选项不乱序") {
            "" | "否" => false,
            "是" => true,
            _ => {
                self.fault(
                    row,
                    "选项不乱序",
                    Reason::new("bank.bad_keep_order", "只能填 是 或留空", "是 or empty"),
                );
                false
            }
        }
    }
}

fn parse_answer(answer: &str, item_type: ItemType, options: usize) -> Result<OptionSet, Reason> {
    if answer.is_empty() {
        return Err(Reason::new("bank.no_answer", "没有答案", "no answer"));
    }
    if item_type == ItemType::TrueFalse {
        return match answer {
            "对" | "正确" | "√" => Ok(OptionSet::single(0)),
            "错" | "错误" | "×" => Ok(OptionSet::single(1)),
            _ => Err(Reason::new(
                "bank.true_false_answer",
                "判断题答案应为 对 或 错",
                "answer of a true/false item is 对 or 错",
            )),
        };
    }
    let mut right = OptionSet::EMPTY;
    for letter in answer
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '、'))
    {
        let place = "ABCDEF"
            .find(letter.to_ascii_uppercase())
            .filter(|place| *place < options);
        let Some(place) = place else {
            return Err(Reason::new(
                "bank.answer_outside",
                "答案不在选项之内",
                "answer names no option",
            ));
        };
        if right.contains(place as u8) {
            return Err(Reason::new(
                "bank.answer_letter_twice",
                "答案字母重复",
                "a letter twice in the answer",
            ));
        }
        right = right.toggled(place as u8);
    }
    match (item_type, right.len()) {
        (_, 0) => Err(Reason::new("bank.no_answer", "没有答案", "no answer")),
        (ItemType::SingleChoice, 2..) => Err(Reason::new(
            "bank.single_with_more",
            "单选题有多个答案",
            "single choice with two answers",
        )),
        (ItemType::MultipleChoice, 1) => Err(Reason::new(
            "bank.multiple_with_one",
            "多选题只有一个答案",
            "multiple choice with one answer",
        )),
        _ => Ok(right),
    }
}
