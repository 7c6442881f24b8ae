//! From the plan file's keys to sittings, with everything that an exam site would refuse.

use super::document::{ClassKeys, PartKeys, PlanDocument, SittingKeys};
use crate::fault::{Faults, Reason};
use crate::files;
use chrono::DateTime;
use fengjuan_core::plan::{
    AttemptType, Blueprint, BlueprintPart, ClassGroup, EntryRules, KnowledgeQuota, PlanFacts,
    Sitting, Staff,
};
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

    fn name(&mut self, key: &str, name: &str) {
        if !files::is_name(name) {
            let reason = Reason::new(
                "plan.bad_name",
                "只能用字母、数字、- 和 _，1 到 40 个",
                "only letters, digits, - and _, 1 to 40",
            );
            self.fault(key, reason);
        }
    }

    fn filled(&mut self, key: &str, text: &str) {
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
        let plan = &self.document.plan;
        let sitting = Sitting {
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
            start_ms: start.timestamp_millis(),
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
        };
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
            && (snapshots.mean_interval_s < snapshots.least_gap_s
                || snapshots.mean_interval_s > 7200)
        {
            let reason = Reason::new(
                "plan.bad_snapshots",
                "抓拍平均间隔应不小于最小间隔，且不超过 7200 秒",
                "the mean interval lies between the least gap and 7,200 seconds",
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

    fn classes(&mut self, key: &str, keys: &SittingKeys) -> Vec<ClassGroup> {
        if keys.class.is_empty() {
            self.fault(
                &format!("{key}.class"),
                Reason::new(
                    "plan.no_classes",
                    "场次没有班级",
                    "the sitting has no class groups",
                ),
            );
        }
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for (place, class) in keys.class.iter().enumerate() {
            let key = format!("{key}.class[{place}]");
            self.name(&format!("{key}.no"), &class.no);
            self.name(&format!("{key}.bank"), &class.bank);
            self.filled(&format!("{key}.name"), &class.name);
            self.filled(&format!("{key}.subject"), &class.subject);
            if !seen.insert(&class.no) | !seen.insert(&class.name) {
                self.fault(
                    &key,
                    Reason::new(
                        "plan.class_twice",
                        "班级编号或名称重复",
                        "class group twice",
                    ),
                );
            }
            groups.push(self.class(&key, keys, class));
        }
        groups
    }

    fn class(&mut self, key: &str, sitting: &SittingKeys, class: &ClassKeys) -> ClassGroup {
        if !(1..=600).contains(&class.minutes) {
            self.fault(
                &format!("{key}.minutes"),
                Reason::new(
                    "plan.bad_minutes",
                    "考试时长应为 1 到 600 分钟",
                    "1 to 600 minutes",
                ),
            );
        }
        let makeup = class.attempt_type == AttemptType::Makeup;
        if makeup != (class.attempt_no >= 2) || class.attempt_no == 0 || class.attempt_no > 9 {
            let reason = Reason::new(
                "plan.bad_attempt_no",
                "正考为第 1 次，补考为第 2 次起",
                "first attempts are number 1, makeups 2 and more",
            );
            self.fault(&format!("{key}.attempt_no"), reason);
        }
        if sitting.makeup_of.is_some() && !makeup {
            let reason = Reason::new(
                "plan.not_a_makeup",
                "补考场次的班级应为补考",
                "a makeup sitting holds makeup groups only",
            );
            self.fault(&format!("{key}.attempt_type"), reason);
        }
        if class.part.is_empty() {
            self.fault(
                &format!("{key}.part"),
                Reason::new("plan.no_blueprint", "没有组卷规则", "no blueprint"),
            );
        }
        let parts: Vec<BlueprintPart> = class
            .part
            .iter()
            .enumerate()
            .map(|(place, part)| self.part(&format!("{key}.part[{place}]"), part))
            .collect();
        let pass_mark_half_points =
            self.half_points(&format!("{key}.pass_mark"), class.pass_mark, 2000);
        let full: u64 = parts
            .iter()
            .map(|part| u64::from(part.count) * u64::from(part.half_points_each))
            .sum();
        if u64::from(pass_mark_half_points) > full {
            let reason = Reason::new(
                "plan.pass_mark",
                "及格分高于总分",
                "the pass mark is above the full score",
            );
            self.fault(&format!("{key}.pass_mark"), reason);
        }
        ClassGroup {
            class_no: class.no.clone(),
            name: class.name.clone(),
            subject: class.subject.clone(),
            attempt_type: class.attempt_type,
            attempt_no: class.attempt_no,
            minutes: class.minutes,
            blueprint: Blueprint {
                parts,
                pass_mark_half_points,
            },
        }
    }

    fn part(&mut self, key: &str, part: &PartKeys) -> BlueprintPart {
        if !(1..=500).contains(&part.count) {
            self.fault(
                &format!("{key}.count"),
                Reason::new("plan.bad_count", "题数应为 1 到 500", "1 to 500 items"),
            );
        }
        let at_least = part
            .at_least
            .iter()
            .map(|quota| KnowledgeQuota {
                knowledge_point: quota.knowledge_point.clone(),
                count: quota.count,
            })
            .collect();
        BlueprintPart {
            item_type: part.item_type,
            count: part.count,
            half_points_each: self.half_points(&format!("{key}.points"), part.points, 200),
            partial_credit: part.partial_credit,
            cases: part.cases,
            at_least,
        }
    }

    fn half_points(&mut self, key: &str, points: f64, most: u32) -> u32 {
        let half = points * 2.0;
        if half.fract() == 0.0 && half >= 1.0 && half <= f64::from(most) {
            return half as u32;
        }
        let most = most / 2;
        let reason = Reason::new(
            "plan.bad_points",
            format!("分数应为 0.5 的倍数，0.5 到 {most}"),
            format!("points are multiples of 0.5 from 0.5 to {most}"),
        );
        self.fault(key, reason);
        0
    }
}
