//! Words for reading a code aloud over a telephone.

use super::normalise_symbol;

/// The word for one symbol in Chinese telephone speech and in the NATO alphabet; for a character
/// that no code holds, two empty strings.
#[must_use]
pub fn spelling(c: char) -> (&'static str, &'static str) {
    match normalise_symbol(c).unwrap_or_default() {
        '0' => ("洞", "Zero"),
        '1' => ("幺", "One"),
        '2' => ("两", "Two"),
        '3' => ("三", "Three"),
        '4' => ("四", "Four"),
        '5' => ("五", "Five"),
        '6' => ("六", "Six"),
        '7' => ("拐", "Seven"),
        '8' => ("八", "Eight"),
        '9' => ("勾", "Niner"),
        'A' => ("阿尔法", "Alfa"),
        'B' => ("布拉沃", "Bravo"),
        'C' => ("查理", "Charlie"),
        'D' => ("德尔塔", "Delta"),
        'E' => ("埃科", "Echo"),
        'F' => ("福克斯", "Foxtrot"),
        'G' => ("高尔夫", "Golf"),
        'H' => ("霍特尔", "Hotel"),
        'J' => ("朱丽叶", "Juliett"),
        'K' => ("基洛", "Kilo"),
        'M' => ("麦克", "Mike"),
        'N' => ("诺文伯", "November"),
        'P' => ("帕帕", "Papa"),
        'Q' => ("魁北克", "Quebec"),
        'R' => ("罗密欧", "Romeo"),
        'S' => ("塞拉", "Sierra"),
        'T' => ("探戈", "Tango"),
        'V' => ("维克托", "Victor"),
        'W' => ("威士忌", "Whiskey"),
        'X' => ("爱克斯", "X-ray"),
        'Y' => ("扬基", "Yankee"),
        'Z' => ("祖鲁", "Zulu"),
        _ => ("", ""),
    }
}
