//! What an exam site would refuse: taken rooms, early makeups, banks that are too small, too many people.

use super::facts::PlannedSitting;
use super::import::{PlanFiles, file_name};
use super::roster::{ClassPlace, Enlisted, RosterReader};
use crate::fault::{Faults, Reason};
use crate::picture::PictureSource;
use crate::{CenterError, bank, sheet};
use fengjuan_core::draw::check_blueprint;
use fengjuan_core::plan::{AnswerRelease, AttemptType, Sitting};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// A plan against the database, the banks and its roster.
pub(super) struct Check<'a> {
    pub conn: &'a Connection,
    pub sheet: &'a str,
    pub plan_no: &'a str,
    pub faults: &'a mut Faults,
}

impl Check<'_> {
    fn fault(&mut self, key: &str, reason: Reason) {
        self.faults.add(self.sheet, None, key, reason);
    }

    /// Two sittings must not share a room at one time, in this plan or with another.
    pub fn rooms(&mut self, planned: &[PlannedSitting]) -> Result<(), CenterError> {
        for (place, this) in planned.iter().enumerate() {
            let (sitting, key) = (&this.sitting, format!("{}.start", this.key));
            let overlap = |other: &str| {
                Reason::new(
                    "plan.room_taken",
                    format!("同一考场与场次 {other} 时间重叠"),
                    format!("the room is taken by sitting {other}"),
                )
            };
            for other in planned[..place].iter().map(|other| &other.sitting) {
                let apart = other.last_end_ms() <= sitting.start_ms
                    || other.start_ms >= sitting.last_end_ms();
                if other.room_no == sitting.room_no && !apart {
                    self.fault(&key, overlap(&other.sitting_no));
                }
            }
            let mut statement = self.conn.prepare_cached(
                "SELECT sitting_no FROM sittings WHERE site = ?1 AND room_no = ?2 AND plan_no <> ?3 \
                 AND start_ms < ?4 AND end_ms > ?5",
            )?;
            let found = statement.query_map(
                params![
                    sitting.plan.site,
                    sitting.room_no,
                    self.plan_no,
                    sitting.last_end_ms(),
                    sitting.start_ms
                ],
                |row| row.get::<_, String>(0),
            )?;
            for other in found.collect::<Result<Vec<_>, _>>()? {
                self.fault(&key, overlap(&other));
            }
        }
        Ok(())
    }

    /// A makeup follows its first sitting and, on the same day, needs its results there.
    pub fn makeups(&mut self, planned: &[PlannedSitting]) -> Result<(), CenterError> {
        for makeup in planned {
            let Some(first_no) = &makeup.sitting.makeup_of else {
                continue;
            };
            let key = format!("{}.makeup_of", makeup.key);
            let Some(first) = self.sitting(planned, first_no)? else {
                let reason = Reason::new(
                    "plan.unknown_first",
                    format!("没有场次 {first_no}"),
                    format!("no sitting {first_no}"),
                );
                self.fault(&key, reason);
                continue;
            };
            if first.makeup_of.is_some() || first.last_end_ms() > makeup.sitting.start_ms {
                let reason = Reason::new(
                    "plan.makeup_order",
                    "补考应在正考结束之后",
                    "a makeup starts after its first sitting has ended",
                );
                self.fault(&key, reason);
            }
            let zone = chrono::FixedOffset::east_opt(8 * 3600);
            let first_day = chrono::DateTime::from_timestamp_millis(first.start_ms)
                .zip(zone)
                .map(|(start, zone)| start.with_timezone(&zone).date_naive());
            let same_day = first_day == Some(makeup.day);
            if same_day
                && first.answer_release != AnswerRelease::OnSite
                && !makeup.results_returned_before
            {
                let zh = "当日补考需要考试点当场出成绩（answer_release = \"on_site\"）或中心当日返回成绩（results_returned_before = true）";
                let en = "a makeup on the same day needs answers released on site, or results returned by the center";
                self.fault(&key, Reason::new("plan.same_day_makeup", zh, en));
            }
            for (place, class) in makeup.sitting.class_groups.iter().enumerate() {
                if !first
                    .class_groups
                    .iter()
                    .any(|group| group.name == class.name)
                {
                    let reason = Reason::new(
                        "plan.makeup_class",
                        "正考场次没有这个班级",
                        "the first sitting has no such class group",
                    );
                    self.fault(&format!("{}.class[{place}].name", makeup.key), reason);
                }
            }
        }
        Ok(())
    }

    fn sitting(
        &self,
        planned: &[PlannedSitting],
        sitting_no: &str,
    ) -> Result<Option<Sitting>, CenterError> {
        let here = planned
            .iter()
            .find(|planned| planned.sitting.sitting_no == sitting_no);
        match here {
            Some(planned) => Ok(Some(planned.sitting.clone())),
            None => match super::sitting(self.conn, sitting_no) {
                Ok(sitting) => Ok(Some(sitting)),
                Err(CenterError::UnknownSitting(_)) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// A sitting's number belongs to one plan, and an issued sitting cannot vanish from its plan.
    pub fn numbers(&mut self, planned: &[PlannedSitting]) -> Result<(), CenterError> {
        for this in planned {
            let sql = "SELECT plan_no FROM sittings WHERE sitting_no = ?1 AND plan_no <> ?2";
            let other: Option<String> = self
                .conn
                .query_row(
                    sql,
                    [this.sitting.sitting_no.as_str(), self.plan_no],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(other) = other {
                let reason = Reason::new(
                    "plan.sitting_taken",
                    format!("场次编号已用于计划 {other}"),
                    format!("the number belongs to plan {other}"),
                );
                self.fault(&format!("{}.no", this.key), reason);
            }
        }
        let mut statement = self.conn.prepare(
            "SELECT DISTINCT s.sitting_no FROM sittings s JOIN issues i ON i.sitting_no = s.sitting_no WHERE s.plan_no = ?1",
        )?;
        let issued = statement
            .query_map([self.plan_no], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        for sitting_no in issued.iter().filter(|no| {
            !planned
                .iter()
                .any(|planned| planned.sitting.sitting_no == **no)
        }) {
            let reason = Reason::new(
                "plan.issued_missing",
                format!("已签发的场次 {sitting_no} 不在文件中"),
                format!("sitting {sitting_no} was issued and is not in the file"),
            );
            self.fault("sitting", reason);
        }
        Ok(())
    }

    pub fn banks(&mut self, planned: &[PlannedSitting]) -> Result<(), CenterError> {
        for this in planned {
            for (place, (class, (_, bank))) in this
                .sitting
                .class_groups
                .iter()
                .zip(&this.banks)
                .enumerate()
            {
                let key = format!("{}.class[{place}]", this.key);
                let items = bank::items(self.conn, bank)?;
                if items.is_empty() {
                    let reason = Reason::new(
                        "plan.unknown_bank",
                        format!("题库 {bank} 没有试题"),
                        format!("bank {bank} holds no items"),
                    );
                    self.fault(&format!("{key}.bank"), reason);
                } else if let Err(shortages) =
                    check_blueprint(&bank::index(&items), &class.blueprint)
                {
                    for shortage in shortages {
                        self.fault(
                            &format!("{key}.part[{}]", shortage.part),
                            bank::shortage_reason(class, &shortage),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    pub fn roster(
        &mut self,
        planned: &[PlannedSitting],
        from: &PlanFiles<'_>,
    ) -> Result<Vec<Enlisted>, CenterError> {
        let classes = self.class_places(planned);
        let mut photos = PictureSource::open(from.photos).unwrap_or_else(|reason| {
            self.faults.add(&file_name(from.photos), None, "", reason);
            PictureSource::None
        });
        let nothing = Reason::new("roster.empty", "名册没有考生", "no candidates");
        let Some(table) = sheet::read(from.roster, super::roster::REQUIRED, nothing, self.faults)
        else {
            return Ok(Vec::new());
        };
        let enlisted = RosterReader::new(&table, &classes, &mut photos, self.faults).read();
        for person in &enlisted {
            let sql = "SELECT s.plan_no FROM candidates c JOIN sittings s ON s.sitting_no = c.sitting_no \
                       WHERE c.ticket_no = ?1 AND s.plan_no <> ?2";
            let other: Option<String> = self
                .conn
                .query_row(
                    sql,
                    [person.candidate.ticket_no.as_str(), self.plan_no],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(other) = other {
                let reason = Reason::new(
                    "roster.ticket_taken",
                    format!("准考证号已用于计划 {other}"),
                    format!("the ticket belongs to plan {other}"),
                );
                self.faults
                    .add(&table.sheet, Some(person.row), "准考证号", reason);
            }
        }
        Ok(enlisted)
    }

    /// Class groups by name. Makeups that name their first sitting take its roster and none of the file's rows.
    fn class_places(&mut self, planned: &[PlannedSitting]) -> BTreeMap<String, ClassPlace> {
        let mut classes = BTreeMap::new();
        for this in planned
            .iter()
            .filter(|planned| planned.sitting.makeup_of.is_none())
        {
            for (place, class) in this.sitting.class_groups.iter().enumerate() {
                let target = ClassPlace {
                    sitting_no: this.sitting.sitting_no.clone(),
                    class_no: class.class_no.clone(),
                    fee_needed: class.attempt_type == AttemptType::FirstAttempt,
                };
                if classes.insert(class.name.clone(), target).is_some() {
                    let reason = Reason::new(
                        "plan.class_in_two",
                        "两个场次有同名班级",
                        "two sittings have a class group of this name",
                    );
                    self.fault(&format!("{}.class[{place}].name", this.key), reason);
                }
            }
        }
        classes
    }

    /// A makeup carries its first sitting's whole roster: who may sit is decided on the day.
    pub fn carry_rosters(
        &mut self,
        planned: &[PlannedSitting],
        enlisted: &mut Vec<Enlisted>,
    ) -> Result<(), CenterError> {
        for this in planned {
            let Some(first_no) = &this.sitting.makeup_of else {
                continue;
            };
            let Some(first) = self.sitting(planned, first_no)? else {
                continue;
            };
            let from_file = planned
                .iter()
                .any(|planned| planned.sitting.sitting_no == *first_no);
            for class in &this.sitting.class_groups {
                let Some(group) = first
                    .class_groups
                    .iter()
                    .find(|group| group.name == class.name)
                else {
                    continue;
                };
                let mut carried: Vec<Enlisted> = if from_file {
                    let of = |person: &&Enlisted| {
                        person.sitting_no == *first_no
                            && person.candidate.class_no == group.class_no
                    };
                    enlisted.iter().filter(of).cloned().collect()
                } else {
                    let people = super::candidates(self.conn, first_no, &group.class_no)?;
                    people
                        .into_iter()
                        .map(|(candidate, photo)| Enlisted {
                            row: 0,
                            sitting_no: String::new(),
                            candidate,
                            photo,
                        })
                        .collect()
                };
                for person in &mut carried {
                    person.sitting_no.clone_from(&this.sitting.sitting_no);
                    person.candidate.class_no.clone_from(&class.class_no);
                }
                enlisted.append(&mut carried);
            }
        }
        Ok(())
    }

    pub fn seats(&mut self, planned: &[PlannedSitting], enlisted: &[Enlisted]) {
        for this in planned {
            let sitting = &this.sitting;
            let people: Vec<&Enlisted> = enlisted
                .iter()
                .filter(|person| person.sitting_no == sitting.sitting_no)
                .collect();
            let key = format!("{}.capacity", this.key);
            if people.len() > sitting.capacity as usize {
                let (count, seats) = (people.len(), sitting.capacity);
                let reason = Reason::new(
                    "plan.too_many_candidates",
                    format!("考生 {count} 人，考位只有 {seats} 个"),
                    format!("{count} candidates for {seats} seats"),
                );
                self.fault(&key, reason);
            }
            if let Some(person) = people
                .iter()
                .find(|person| person.candidate.seat_no > sitting.capacity)
            {
                let reason = Reason::new(
                    "plan.seat_beyond",
                    format!("考位号 {} 超出考位数", person.candidate.seat_no),
                    format!(
                        "seat {} is beyond the room's seats",
                        person.candidate.seat_no
                    ),
                );
                self.fault(&key, reason);
            }
        }
    }
}
