//! Orders (考试机构指令): what only the center may decide during a sitting, signed by its issuer.

use crate::Signed;
use fengjuan_core::plan::Staff;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub order_no: String,
    pub site: String,
    pub sitting_no: String,
    pub issued_ms: i64,
    pub kind: OrderKind,
    pub reason: String,
    pub approved_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderKind {
    /// This candidate may enter after the late limit, with the same end.
    LateEntry { ticket_no: String },
    /// Minutes for one candidate, a class group, or the room.
    Credit { scope: CreditScope, credit_ms: i64 },
    /// 整场顺延: start, late limit and ends move together.
    Postpone { by_ms: i64 },
    /// A mistaken hand-in is opened again, with the same end, before any score is shown.
    Reopen { ticket_no: String },
    /// One more person who may act.
    SubstituteStaff { staff: Staff },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CreditScope {
    Candidate { ticket_no: String },
    ClassGroup { class_no: String },
    Room {},
}

impl Signed for Order {
    const USAGE: &'static str = "fengjuan/order/1";
}
