use std::collections::HashSet;

use super::*;

fn written(group: usize, values: &[u8]) -> String {
    let check = check_symbol(group, values);
    values
        .iter()
        .chain([&check])
        .map(|value| crockford::symbol(*value))
        .collect()
}

/// The field is a field: every product by a weight is a permutation, and 2 generates it.
#[test]
fn multiplication_is_that_of_a_field() {
    let mut power = 1;
    let mut seen = HashSet::new();
    for _ in 0..31 {
        assert!(seen.insert(power));
        power = times(power, 2);
    }
    assert_eq!(power, 1);
    for a in 0..32 {
        for b in 0..32 {
            assert_eq!(times(a, b), times(b, a));
            for c in 0..32 {
                assert_eq!(times(a, b ^ c), times(a, b) ^ times(a, c));
                assert_eq!(times(times(a, b), c), times(a, times(b, c)));
            }
        }
    }
}

/// All 2^20 groups at each place: one wrong symbol, any two symbols swapped, and the group typed
/// in another place. The check is linear, so that for the substitutions it is enough to try every
/// difference; the swaps are tried one by one.
#[test]
fn every_single_error_swap_and_group_swap_is_noticed() {
    for bits in 0..1u32 << 20 {
        let values: [u8; 4] = std::array::from_fn(|i| (bits >> (5 * i) & 31) as u8);
        let check = check_symbol(0, &values);
        let typed = [values[0], values[1], values[2], values[3], check];
        for first in 0..5 {
            for second in first + 1..5 {
                let mut swapped = typed;
                swapped.swap(first, second);
                let fits = check_symbol(0, &swapped[..4]) == swapped[4];
                assert_eq!(
                    fits,
                    swapped == typed,
                    "{typed:?} with {first} and {second} swapped"
                );
            }
        }
        for group in 1..GROUPS {
            assert_ne!(
                check_symbol(group, &values),
                check,
                "{typed:?} in place {group}"
            );
        }
        for place in 0..4 {
            let mut wrong = values;
            wrong[place] ^= 1 + (bits % 31) as u8;
            assert_ne!(check_symbol(0, &wrong), check);
        }
    }
    for place in 0..4 {
        for difference in 1..32 {
            let mut values = [0; 4];
            values[place] = difference;
            assert_ne!(check_symbol(0, &values), check_symbol(0, &[0; 4]));
        }
    }
}

#[test]
fn a_code_survives_paper_and_eyes() {
    for _ in 0..200 {
        let code = Code::generate().unwrap();
        let groups = code.to_groups();
        assert!(groups.iter().all(|group| group.len() == GROUP_SYMBOLS));
        let shown = groups.concat();
        assert!(!shown.contains(['I', 'L', 'O', 'U']));
        let lower = groups
            .clone()
            .map(|g| g.to_lowercase().replace('0', "o").replace('1', "l"));
        let spaced = groups.clone().map(|g| format!(" {}-{} ", &g[..2], &g[2..]));
        for typed in [groups, lower, spaced] {
            let typed = typed.each_ref().map(String::as_str);
            let read = Code::parse_groups(&typed).unwrap();
            assert_eq!(read.secret_bytes(), code.secret_bytes());
        }
        assert_eq!(code.secret_bytes().len(), 10);
    }
}

#[test]
fn codes_hold_eighty_bits_in_order() {
    let code = Code(crockford::split(&[
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc,
    ]));
    assert_eq!(
        *code.secret_bytes(),
        [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc]
    );
    let shown: String = code.to_groups().iter().map(|group| &group[..4]).collect();
    // The same bits through another base 32 encoder.
    let mut spec = data_encoding::Specification::new();
    spec.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    assert_eq!(shown, spec.encoding().unwrap().encode(&code.secret_bytes()));
}

#[test]
fn groups_are_judged_while_they_are_typed() {
    let group = written(2, &[9, 0, 31, 1]);
    for typed in 0..GROUP_SYMBOLS {
        assert_eq!(check_group(2, &group[..typed]), GroupStatus::Incomplete);
    }
    assert_eq!(check_group(2, &group), GroupStatus::Valid);
    assert_eq!(
        check_group(1, &group),
        GroupStatus::Invalid { bad_symbol: None }
    );
    assert_eq!(
        check_group(2, &format!("{group}0")),
        GroupStatus::Invalid {
            bad_symbol: Some(5)
        }
    );
    assert_eq!(
        check_group(2, "9U"),
        GroupStatus::Invalid {
            bad_symbol: Some(1)
        }
    );
    assert_eq!(
        check_group(2, "9-考"),
        GroupStatus::Invalid {
            bad_symbol: Some(2)
        }
    );
    assert_eq!(
        check_group(4, &group),
        GroupStatus::Invalid { bad_symbol: None }
    );
    let wide: String = group
        .chars()
        .filter_map(|c| char::from_u32(u32::from(c) + 0xfee0))
        .collect();
    assert_eq!(check_group(2, &wide), GroupStatus::Valid);
}

#[test]
fn errors_say_which_group() {
    let groups = Code([0; 16]).to_groups();
    let typed = groups.each_ref().map(String::as_str);
    let with = |group: usize, text| {
        let mut typed = typed;
        typed[group] = text;
        Code::parse_groups(&typed).unwrap_err()
    };
    assert_eq!(with(1, "0000"), CodeError::Incomplete { group: 1 });
    assert_eq!(with(2, "00U"), CodeError::Symbol { group: 2 });
    assert_eq!(with(3, "00000"), CodeError::Check { group: 3 });
    assert_eq!(with(3, "00000").group(), 3);
    let swapped = [typed[1], typed[0], typed[2], typed[3]];
    assert_eq!(
        Code::parse_groups(&swapped).unwrap_err(),
        CodeError::Check { group: 0 }
    );
}

#[test]
fn every_symbol_is_spoken_differently() {
    let mut chinese = HashSet::new();
    let mut nato = HashSet::new();
    for symbol in crockford::SYMBOLS.iter().map(|s| char::from(*s)) {
        let (zh, en) = spelling(symbol);
        assert!(!zh.is_empty() && chinese.insert(zh), "{symbol}");
        assert!(!en.is_empty() && nato.insert(en), "{symbol}");
        assert_eq!(spelling(symbol.to_ascii_lowercase()), (zh, en));
        if symbol.is_ascii_alphabetic() {
            assert!(en.starts_with(symbol), "{symbol}");
        }
    }
    assert_eq!(spelling('7').0, "拐");
    assert_eq!(spelling('u'), ("", ""));
}
