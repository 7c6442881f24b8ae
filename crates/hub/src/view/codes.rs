//! The stable codes of what the station says by itself. Refusals, alerts and commands bring the codes of their own
//! crates; those are listed here too, so that the page can be checked against one list.

/// Every code, with its arguments behind it where it has some.
pub const CODES: &[&str] = &[
    // A banner.
    "station.standby",            // –
    "station.stopped",            // epoch
    "station.locked",             // –
    "station.no_delegation",      // –
    "station.delegation_expired", // –
    "station.trouble",            // cause
    // Refusals.
    "station.not_logged_in",
    "station.not_allowed",
    "station.unknown_sitting",
    "station.unknown_seat",
    "station.unknown_device",
    "station.nobody_here",
    "station.unknown_ticket",
    "station.no_sitting",
    "station.not_ended",
    "station.number_taken", // seat_no
    "station.reason_missing",
    "station.busy",
    "station.papers_missing",
    "station.same_address",
    "staff.unknown",
    "staff.slowed",         // until_ms
    "staff.locked_out",     // until_ms
    "staff.wrong_password", // wrong
    "staff.not_locked_out",
    "staff.not_of_sitting",
    "staff.second_wrong", // name, wrong
    "sync.folder",
    "enrol.bad_request",
    "device.unknown",
    "device.approved",
    "device.revoked",
    "device.refused",
    "device.not_refused",
    "device.not_approved",
    "room.not_commanding",
    "room.epoch_unproved",
    "room.commanding",
    "room.never_followed",
    "room.role",
    "room.seats_not_published",
    "room.second_needed",
    "room.second_role",
    "room.same_person",
    "room.reason_needed",
    "room.order_needed",
    "room.not_held",
    "room.entry_not_open", // opens_ms
    "room.not_unlocked",
    "room.too_early", // planned_ms
    "room.too_late",  // limit_ms
    "room.already_started",
    "room.not_started",
    "room.already_ended",
    "room.unknown_class",
    "room.somebody_answers", // answering
    "room.unknown_attempt",
    "room.handed_in",
    "room.not_handed_in",
    "room.machine_taken",
    "room.machine_unheard",
    "room.time_out_of_range", // most_minutes
    "room.not_direct",
    "room.unknown_alert",
    "room.unknown_awaited",
    "room.not_submitted", // waiting
    "room.random",
    "seating.unknown_machine",
    "seating.out_of_use",
    "seating.in_use",
    "seating.revoked",
    "seating.has_seat", // seat_no
    "seating.published",
    "seating.too_few_machines", // working, candidates
    "seating.dealt_twice",      // seat_no
    "seating.no_machine",       // seat_no
    "lease.out_of_order",
    "lease.carry_malformed",
    "lease.none",
    "lease.holds_already",
    "lease.no_way_back",
    "lease.spare_has_answers",
    // Beside the next step.
    "next.ends_by_itself", // ends_ms
    "next.code_again",     // –
    "next.unsent",         // waiting
    // What is wrong with a seat.
    "trouble.outage",             // cause
    "trouble.out_of_contact",     // –
    "trouble.storage",            // cause
    "trouble.camera",             // cause
    "trouble.fork",               // –
    "trouble.fenced",             // –
    "trouble.not_started",        // cause
    "trouble.keys_missing",       // –
    "trouble.needs_confirmation", // –
    // What is said of a machine.
    "machine.revoked",
    "machine.out_of_use",
    "machine.other_address", // address
    "machine.failed_checks", // failed
    "enrol.key_on_two_machines",
    // Alerts; each with device, seat and name where they are known.
    "alert.fork",
    "alert.went_back",
    "alert.two_terminals", // other
    "alert.nobody_holds",
    "alert.other_seat", // dealt
    "alert.stranger",   // cause
    "alert.flood",
    "alert.storage",             // cause
    "alert.station_stopped",     // epoch
    "alert.many_out_of_contact", // count
    "alert.many_outages",        // count
    "alert.outage_undecided",
    "alert.refused", // command, cause
    "alert.camera",  // cause
    "alert.out_of_contact",
    "alert.lockout",     // staff
    "alert.center_away", // since_ms
    // Records and histories: an event by its titles of the catalogue, `zh` and `en`.
    "event",
    "event.reason",     // reason
    "event.span",       // seconds, reason
    "event.seat",       // seat
    "event.device",     // device, reason
    "event.device_two", // device, second, reason
    "event.staff",      // staff, reason
    "event.machines",   // count
    // A command to terminals; with reason, seconds, seat where they are known.
    "command.arrive",
    "command.confirm_person",
    "command.refuse_person",
    "command.start",
    "command.postpone",
    "command.suspend",
    "command.resume",
    "command.credit",
    "command.late_entry",
    "command.reopen",
    "command.remove",
    "command.force_hand_in",
    "command.decide_outage",
    "command.end",
    "command.lease",
    "command.fence",
    "command.unfence",
    "command.seat_number",
    "command.check_equipment",
    "command.seats",
    "command.pattern_camera",
    // Decisions that wait for an order; with class, seat, minutes where they are known.
    "awaited.postpone",
    "awaited.credit_many",
    "awaited.late_entry",
    "awaited.reopen",
];
