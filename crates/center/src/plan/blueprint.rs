//! Class groups and their blueprints (组卷规则).

use super::document::{ClassKeys, PartKeys, SittingKeys};
use super::facts::Reading;
use crate::fault::Reason;
use fengjuan_core::plan::{AttemptType, Blueprint, BlueprintPart, ClassGroup, KnowledgeQuota};
use std::collections::BTreeSet;

impl Reading<'_> {
    pub(super) fn classes(&mut self, key: &str, keys: &SittingKeys) -> Vec<ClassGroup> {
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
                "合格分数线高于总分",
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
