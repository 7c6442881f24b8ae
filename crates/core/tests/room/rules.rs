use fengjuan_core::event::Hash32;
use fengjuan_core::plan::Role;
use fengjuan_core::room::command::Authority;
use fengjuan_core::room::rules::{Deed, NotAllowed, Person, RULES, allowed, authorised, rule_of};

fn person(staff_id: &str, role: Role) -> Person {
    Person {
        staff_id: staff_id.to_owned(),
        role,
    }
}

#[test]
fn every_deed_has_one_row() {
    for (place, row) in RULES.iter().enumerate() {
        assert_eq!(
            rule_of(row.deed),
            row,
            "row {place} is not the first of its deed"
        );
        assert_eq!(
            row.deed as usize, place,
            "the rows are in the order of the deeds"
        );
    }
    assert_eq!(RULES.len(), Deed::ReleaseLockout as usize + 1);
}

#[test]
fn an_order_always_wants_two_persons_and_a_reason() {
    for row in RULES {
        assert!(!row.order || row.second && row.reason, "{row:?}");
        assert!(!row.second || row.reason, "{row:?}");
    }
}

#[test]
fn the_second_is_another_person_who_may() {
    let proctor = person("P1", Role::Proctor);
    let other = person("P2", Role::Proctor);
    let head = person("H1", Role::SiteHead);
    let staff = person("S1", Role::ExamStaff);
    let late = |by, second, reason| allowed(Deed::LateEntry, by, second, reason);
    assert_eq!(late(&proctor, Some(&head), "堵车"), Ok(()));
    assert_eq!(late(&proctor, Some(&other), "堵车"), Ok(()));
    assert_eq!(late(&proctor, None, "堵车"), Err(NotAllowed::SecondNeeded));
    assert_eq!(
        late(&proctor, Some(&proctor), "堵车"),
        Err(NotAllowed::SamePerson)
    );
    assert_eq!(
        late(&proctor, Some(&staff), "堵车"),
        Err(NotAllowed::SecondRole)
    );
    assert_eq!(
        late(&proctor, Some(&head), " "),
        Err(NotAllowed::ReasonNeeded)
    );
    assert_eq!(late(&staff, Some(&head), "堵车"), Err(NotAllowed::Role));
}

#[test]
fn auditors_and_inspectors_change_nothing() {
    for role in [Role::Auditor, Role::Inspector] {
        assert!(RULES.iter().all(|row| !row.may.contains(&role)));
    }
    let staff = person("S1", Role::ExamStaff);
    assert_eq!(
        allowed(Deed::Unlock, &staff, None, ""),
        Err(NotAllowed::Role)
    );
}

#[test]
fn what_needs_an_order_never_stands_on_the_site_alone() {
    let order = Authority::Order {
        order: Hash32([1; 32]),
    };
    let pending = Authority::Pending { phone: None };
    for row in RULES {
        let alone = authorised(row.deed, &Authority::Site {});
        assert_eq!(alone.is_err(), row.order, "{row:?}");
        assert_eq!(authorised(row.deed, &order), Ok(()));
        assert_eq!(authorised(row.deed, &pending), Ok(()));
    }
}
