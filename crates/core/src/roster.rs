//! The roster (考生名册): who may sit where. Personal data; on a site's disk only inside a sealed section.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub ticket_no: String,
    pub name: String,
    pub sex: String,
    pub id_type: String,
    pub id_no: String,
    pub seat_no: u32,
    pub class_no: String,
    pub employer: String,
    pub training_org: String,
    /// Number of the encrypted photo in the package.
    pub photo: u32,
    pub accommodation: Accommodation,
}

/// 便利措施, approved by the center.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accommodation {
    pub text_size: TextSize,
    pub extra_minutes: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TextSize {
    #[default]
    Standard,
    Large,
    Largest,
}

impl Candidate {
    /// Six digits, stars, four digits: what a screen may show of an ID number.
    pub fn masked_id(&self) -> String {
        mask_id(&self.id_no)
    }
}

/// Masks an ID number for a screen. Short or odd numbers keep only their last two characters.
pub fn mask_id(id_no: &str) -> String {
    let chars: Vec<char> = id_no.chars().collect();
    let (head, tail) = if chars.len() >= 15 {
        (6, 4)
    } else {
        (0, chars.len().min(2))
    };
    let hidden = chars.len() - head - tail;
    let mut masked: String = chars[..head].iter().collect();
    masked.extend(std::iter::repeat_n('*', hidden));
    masked.extend(&chars[chars.len() - tail..]);
    masked
}
