//! From the plan file's keys to sittings, with everything that an exam site would refuse.

use super::document::{PlanDocument, SittingKeys};
use crate::fault::{Faults, Reason};
use crate::files;
use chrono::DateTime;
use fengjuan_core::plan::{ClassGroup, EntryRules, PlanFacts, Sitting, Staff};
use fengjuan_envelope::kdf;
use std::collections::BTreeSet;

/// A sitting of the plan and what only the import needs of it.
pub(super) struct PlannedSitting {
    pub sitting: Sitting,
    /// `class_no` and bank.
    pub banks: Vec<(String, String)>,
    pub results_returned_before: bool,
    /// Calendar day where the exam is held.
    pub day: chrono::NaiveDate,
    /// Place in the file, for messages.
    pub key: String,
}

/// Turns the document into sittings; adds a fault for everything that cannot be.
pub(super) struct Reading<'a> {
    pub sheet: &'a str,
    pub center: &'a str,
    pub document: &'a PlanDocument,
    pub faults: &'a mut Faults,
}

impl Reading<'_> {
    pub fn sittings(&mut self) -> Vec<PlannedSitting> {
        let document = self.document;
        if document.format != 1 {
            self.fault(
                "format",
                Reason::new(
                    "plan.format",
                    "本程序只认识格式 1",
                    "only format 1 is known",
                ),
            );
        }
        if document.status != "approved" {
            self.fault(
                "status",
                Reason::new(
                    "plan.unapproved",
                    "考试计划尚未批准，不能导入",
                    "the plan is not approved",
                ),
            );
        } else if document.approved_by.trim().is_empty() {
            self.fault(
                "approved_by",
                Reason::new("plan.no_approver", "没有批准人", "nobody approved the plan"),
            );
        }
        self.check_plan_names();
        let staff = self.staff();
        if document.sitting.is_empty() {
            self.fault(
                "sitting",
                Reason::new(
                    "plan.no_sittings",
                    "计划没有考场场次",
                    "the plan has no sittings",
                ),
            );
        }
        let mut numbers = BTreeSet::new();
        let mut planned = Vec::new();
        for (place, keys) in document.sitting.iter().enumerate() {
            let key = format!("sitting[{place}]");
            self.name(&format!("{key}.no"), &keys.no);
            if !numbers.insert(&keys.no) {
                self.fault(
                    &format!("{key}.no"),
                    Reason::new("plan.sitting_twice", "场次编号重复", "sitting number twice"),
                );
            }
            planned.extend(self.sitting(key, keys, &staff));
        }
        planned
    }

    pub fn fault(&mut self, key: &str, reason: Reason) {
        self.faults.add(self.sheet, None, key, reason);
    }

    pub(super) fn name(&mut self, key: &str, name: &str) {
        if !files::is_name(name) {
            let reason = Reason::new(
                "plan.bad_name",
                "只能用字母、数字、- 和 _，1 到 40 个",
                "only letters, digits, - and _, 1 to 40",
            );
            self.fault(key, reason);
        }
    }

    pub(super) fn filled(&mut self, key: &str, text: &str) {
        if text.trim().is_empty() {
            self.fault(
                key,
                Reason::new("plan.empty", "不能为空", "must not be empty"),
            );
        }
    }

    fn check_plan_names(&mut self) {
        let plan = &self.document.plan;
        self.name("plan.plan_no", &plan.plan_no);
        self.name("plan.site", &plan.site);
        for (key, text) in [
            ("plan.name", &plan.name),
            ("plan.period_no", &plan.period_no),
            ("plan.authority", &plan.authority),
            ("plan.site_name", &plan.site_name),
            ("plan.qualification_type", &plan.qualification_type),
        ] {
            self.filled(key, text);
        }
    }

    fn staff(&mut self) -> Vec<Staff> {
        let mut ids = BTreeSet::new();
        let mut staff = Vec::new();
        for (place, keys) in self.document.staff.iter().enumerate() {
            let key = format!("staff[{place}]");
            self.name(&format!("{key}.id"), &keys.id);
            self.filled(&format!("{key}.name"), &keys.name);
            if !ids.insert(&keys.id) {
                self.fault(
                    &format!("{key}.id"),
                    Reason::new("plan.staff_twice", "工作人员编号重复", "staff id twice"),
                );
            }
            if kdf::verify_password("", &keys.password).is_err() {
                let zh = "不是 Argon2id 口令摘要，请用 fengjuan-center staff-password 生成";
                let en = "not an Argon2id verifier; make one with fengjuan-center staff-password";
                self.fault(
                    &format!("{key}.password"),
                    Reason::new("plan.bad_verifier", zh, en),
                );
            }
            staff.push(Staff {
                staff_id: keys.id.clone(),
                name: keys.name.clone(),
                role: keys.role,
                password_verifier: keys.password.clone(),
            });
        }
        staff
    }

    fn sitting(
        &mut self,
        key: String,
        keys: &SittingKeys,
        staff: &[Staff],
    ) -> Option<PlannedSitting> {
        self.name(&format!("{key}.room_no"), &keys.room_no);
        self.filled(&format!("{key}.room_name"), &keys.room_name);
        if keys.capacity == 0 {
            self.fault(
                &format!("{key}.capacity"),
                Reason::new("plan.no_seats", "考位数应大于 0", "no seats"),
            );
        }
        if keys.rules.iter().all(|rule| rule.trim().is_empty()) {
            self.fault(
                &format!("{key}.rules"),
                Reason::new(
                    "plan.no_rules",
                    "没有考场规则",
                    "no rules for the candidates",
                ),
            );
        }
        self.check_limits(&key, keys);
        let staff = self.staff_of(&key, keys, staff);
        let class_groups = self.classes(&key, keys);
        let start = DateTime::parse_from_rfc3339(&keys.start);
        let Ok(start) = start else {
            let zh = "开考时间应带时区，例如 2026-11-21T09:00:00+08:00";
            let en = "the start needs its offset, as in 2026-11-21T09:00:00+08:00";
            self.fault(
                &format!("{key}.start"),
                Reason::new("plan.bad_time", zh, en),
            );
            return None;
        };
        let sitting = self.signed_part(keys, start.timestamp_millis(), staff, class_groups);
        Some(PlannedSitting {
            sitting,
            banks: keys
                .class
                .iter()
                .map(|class| (class.no.clone(), class.bank.clone()))
                .collect(),
            results_returned_before: keys.results_returned_before,
            day: start.date_naive(),
            key,
        })
    }

    /// The sitting as it will be signed.
    fn signed_part(
        &self,
        keys: &SittingKeys,
        start_ms: i64,
        staff: Vec<Staff>,
        class_groups: Vec<ClassGroup>,
    ) -> Sitting {
        let plan = &self.document.plan;
        Sitting {
            sitting_no: keys.no.clone(),
            version: 0,
            plan: PlanFacts {
                plan_no: plan.plan_no.clone(),
                name: plan.name.clone(),
                period_no: plan.period_no.clone(),
                center: self.center.to_owned(),
                authority: plan.authority.clone(),
                site: plan.site.clone(),
                site_name: plan.site_name.clone(),
                qualification_type: plan.qualification_type.clone(),
                work_category: plan.work_category.clone(),
                operation_item: plan.operation_item.clone(),
                exam_type: plan.exam_type,
            },
            room_no: keys.room_no.clone(),
            room_name: keys.room_name.clone(),
            capacity: keys.capacity,
            start_ms,
            entry: EntryRules {
                opens_before_min: keys.entry_opens_min,
                late_limit_min: keys.late_limit_min,
                earliest_leave_min: keys.earliest_leave_min,
                start_delay_limit_min: keys.start_delay_limit_min,
            },
            class_groups,
            score_release: keys.score_release,
            answer_release: keys.answer_release,
            snapshots: keys.snapshots,
            outage_credit_cap_min: keys.outage_credit_cap_min,
            pattern_camera_allowed: keys.pattern_camera_allowed,
            two_person_code: keys.two_person_code,
            staff,
            makeup_of: keys.makeup_of.clone(),
            rules_text: keys.rules.clone(),
        }
    }

    fn check_limits(&mut self, key: &str, keys: &SittingKeys) {
        let limits = [
            ("entry_opens_min", keys.entry_opens_min, 240),
            ("late_limit_min", keys.late_limit_min, 120),
            ("earliest_leave_min", keys.earliest_leave_min, 600),
            ("start_delay_limit_min", keys.start_delay_limit_min, 240),
            ("outage_credit_cap_min", keys.outage_credit_cap_min, 240),
        ];
        for (name, minutes, most) in limits {
            if minutes > most {
                let reason = Reason::new(
                    "plan.too_many_minutes",
                    format!("不能超过 {most} 分钟"),
                    format!("at most {most} minutes"),
                );
                self.fault(&format!("{key}.{name}"), reason);
            }
        }
        let snapshots = keys.snapshots;
        if snapshots.mean_interval_s > 0
            && (snapshots.mean_interval_s <= snapshots.least_gap_s
                || snapshots.mean_interval_s > 7200)
        {
            let reason = Reason::new(
                "plan.bad_snapshots",
                "抓拍平均间隔应大于最小间隔，否则抓拍时刻可以推算；且不超过 7200 秒",
                "the mean interval must be longer than the least gap, else the moments are foreseeable, and at most 7,200 seconds",
            );
            self.fault(&format!("{key}.snapshots"), reason);
        }
    }

    fn staff_of(&mut self, key: &str, keys: &SittingKeys, staff: &[Staff]) -> Vec<Staff> {
        let chosen: Vec<Staff> = match &keys.staff {
            None => staff.to_vec(),
            Some(ids) => {
                for id in ids
                    .iter()
                    .filter(|id| !staff.iter().any(|person| person.staff_id == **id))
                {
                    let reason = Reason::new(
                        "plan.unknown_staff",
                        format!("没有工作人员 {id}"),
                        format!("no staff member {id}"),
                    );
                    self.fault(&format!("{key}.staff"), reason);
                }
                staff
                    .iter()
                    .filter(|person| ids.contains(&person.staff_id))
                    .cloned()
                    .collect()
            }
        };
        if !chosen.iter().any(|person| person.role.may_proctor()) {
            self.fault(
                &format!("{key}.staff"),
                Reason::new("plan.no_proctor", "没有监考员", "no proctor"),
            );
        }
        chosen
    }
}
