//! What a bank lacks for a blueprint, in words.

use crate::fault::Reason;
use fengjuan_core::draw::{Shortage, ShortageReason};
use fengjuan_core::plan::ClassGroup;

/// One shortage of a class group's blueprint.
pub(crate) fn shortage_reason(class: &ClassGroup, shortage: &Shortage) -> Reason {
    let kind = class
        .blueprint
        .parts
        .get(shortage.part as usize)
        .map_or("", |part| part.item_type.zh());
    let (wanted, available) = (shortage.wanted, shortage.available);
    let point = shortage.knowledge_point.as_deref().unwrap_or("");
    let (zh, en) = match shortage.reason {
        ShortageReason::Items => (
            format!("题库{kind}题不够：需要 {wanted}，只有 {available}"),
            format!("the bank lacks items: {wanted} wanted, {available} there"),
        ),
        ShortageReason::KnowledgePoint => (
            format!("知识点“{point}”的{kind}题不够：需要 {wanted}，只有 {available}"),
            format!(
                "the bank lacks items of knowledge point {point}: {wanted} wanted, {available} there"
            ),
        ),
        ShortageReason::QuotasExceedPart => (
            "各知识点最少题数之和超过本部分题数".to_owned(),
            "the quotas add up to more than the part".to_owned(),
        ),
        ShortageReason::CaseSizes => (
            format!("整组案例凑不出 {wanted} 题"),
            format!("no selection of whole cases has exactly {wanted} items"),
        ),
        ShortageReason::CasePartRepeated => (
            "同一题型只能有一个案例部分".to_owned(),
            "a second part of cases of the same type".to_owned(),
        ),
        ShortageReason::TooManyCombinations => (
            "案例与知识点组合过多，无法核对".to_owned(),
            "too many combinations of cases and quotas to check".to_owned(),
        ),
    };
    Reason {
        code: shortage.reason.code(),
        zh,
        en,
    }
}
