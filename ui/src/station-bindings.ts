// Generated from crates/hub/src/view. Do not edit: run scripts/bindings.
import type {
  BrokenView,
  ClockView,
  EnrolView,
  EquipmentView,
  LinkState,
  LogInView,
  Notice,
  OutageCause,
  PapersView,
  Refused,
  SecondPerson,
  StaffName,
} from './bindings'

export const stationCodes = [
  'station.standby', 'station.stopped', 'station.locked', 'station.no_delegation',
  'station.delegation_expired', 'station.trouble', 'station.not_logged_in', 'station.not_allowed',
  'station.unknown_sitting', 'station.unknown_seat', 'station.unknown_device', 'station.nobody_here',
  'station.unknown_ticket', 'station.no_sitting', 'station.not_ended', 'station.number_taken',
  'station.reason_missing', 'station.busy', 'station.papers_missing', 'station.same_address',
  'staff.unknown', 'staff.slowed', 'staff.locked_out', 'staff.wrong_password',
  'staff.not_locked_out', 'staff.not_of_sitting', 'staff.second_wrong', 'sync.folder',
  'enrol.bad_request', 'device.unknown', 'device.approved', 'device.revoked',
  'device.refused', 'device.not_refused', 'device.not_approved', 'room.not_commanding',
  'room.epoch_unproved', 'room.commanding', 'room.never_followed', 'room.role',
  'room.seats_not_published', 'room.second_needed', 'room.second_role', 'room.same_person',
  'room.reason_needed', 'room.order_needed', 'room.not_held', 'room.entry_not_open',
  'room.not_unlocked', 'room.too_early', 'room.too_late', 'room.already_started',
  'room.not_started', 'room.already_ended', 'room.unknown_class', 'room.somebody_answers',
  'room.unknown_attempt', 'room.handed_in', 'room.not_handed_in', 'room.machine_taken',
  'room.machine_unheard', 'room.time_out_of_range', 'room.not_direct', 'room.unknown_alert',
  'room.unknown_awaited', 'room.not_submitted', 'room.random', 'seating.unknown_machine',
  'seating.out_of_use', 'seating.in_use', 'seating.revoked', 'seating.has_seat',
  'seating.published', 'seating.too_few_machines', 'seating.dealt_twice', 'seating.no_machine',
  'lease.out_of_order', 'lease.carry_malformed', 'lease.none', 'lease.holds_already',
  'lease.no_way_back', 'lease.spare_has_answers', 'next.ends_by_itself', 'next.code_again',
  'next.unsent', 'trouble.outage', 'trouble.out_of_contact', 'trouble.storage',
  'trouble.camera', 'trouble.fork', 'trouble.fenced', 'trouble.not_started',
  'trouble.keys_missing', 'trouble.needs_confirmation', 'machine.revoked', 'machine.out_of_use',
  'machine.other_address', 'machine.failed_checks', 'enrol.key_on_two_machines', 'alert.fork',
  'alert.went_back', 'alert.two_terminals', 'alert.nobody_holds', 'alert.other_seat',
  'alert.stranger', 'alert.flood', 'alert.storage', 'alert.station_stopped',
  'alert.many_out_of_contact', 'alert.many_outages', 'alert.outage_undecided', 'alert.refused',
  'alert.camera', 'alert.out_of_contact', 'alert.lockout', 'alert.center_away',
  'event', 'event.reason', 'event.span', 'event.seat',
  'event.device', 'event.device_two', 'event.staff', 'event.machines',
  'command.arrive', 'command.confirm_person', 'command.refuse_person', 'command.start',
  'command.postpone', 'command.suspend', 'command.resume', 'command.credit',
  'command.late_entry', 'command.reopen', 'command.remove', 'command.force_hand_in',
  'command.decide_outage', 'command.end', 'command.lease', 'command.fence',
  'command.unfence', 'command.seat_number', 'command.check_equipment', 'command.seats',
  'command.pattern_camera', 'awaited.postpone', 'awaited.credit_many', 'awaited.late_entry',
  'awaited.reopen',
] as const

export type StationPage = { 
/**
 * Rises with every change, so that a late answer never overwrites a newer picture.
 */
revision: number, clock: ClockView, station: StationFacts, screen: StationScreen, 
/**
 * One calm sentence at most.
 */
banner: Notice | null, };

export type StationFacts = { hub_name: string, site: string, room_name: string, 
/**
 * Name of the plan of the sitting that is shown; empty before one is held.
 */
plan_name: string, standing: StationStanding, epoch: number, 
/**
 * Where this one commands, who follows it; else, whom it follows.
 */
others: Array<OtherStation>, 
/**
 * It has neither run the room nor followed who did: two people take over here.
 */
never_followed: boolean, 
/**
 * The line to the center.
 */
center: LinkState, 
/**
 * Sealed objects without the center's receipt.
 */
unsent: number, terminals_heard: number, terminals_known: number, 
/**
 * When the center last cosigned this station's ledger.
 */
witnessed_ms: number | null, 
/**
 * People who are logged in here; each acts with their own password.
 */
people: Array<StaffName>, 
/**
 * Actions are locked until somebody logs in; alerts go on.
 */
idle_locked: boolean, version: string, };

export type StationStanding = "commanding" | "standby" | "stopped";

export type OtherStation = { hub_name: string, 
/**
 * It runs the room, by what it said last.
 */
commands: boolean, copy: CopyState, 
/**
 * Where the copy is behind: what was written in the last so many seconds may be missing.
 */
behind_s: number, 
/**
 * Where the other is lost.
 */
since_ms: number | null, };

export type CopyState = "current" | "behind" | "lost";

export type StationScreen = { "name": "broken", "data": BrokenView } | { "name": "enrol", "data": EnrolView } | { "name": "log_in", "data": LogInView } | { "name": "station", "data": StationView };

export type StationView = { user: StaffName | null, tab: StationTab, day: Array<DayStep>, sittings: Array<SittingTrack>, 
/**
 * The sitting that the page works on.
 */
sitting_no: string | null, next: NextStep, alerts: Array<AlertRow>, room: RoomView, unlock: UnlockTab, papers: PapersTab, devices: DevicesView, seating: SeatingView, log: LogView, };

export type StationTab = "room" | "unlock" | "papers" | "devices" | "seating" | "log";

export type DayStep = { step: RoomStep, state: TrackState, at_ms: number | null, };

export type RoomStep = "pull" | "check" | "seats";

export type TrackState = "done" | "current" | "ahead";

export type SittingTrack = { sitting_no: string, 
/**
 * 上午场, 补考, 下午场: from the start's hour and whether it is a makeup; the page has the words.
 */
makeup: boolean, start_ms: number, postponed_ms: number, steps: Array<SittingStep>, };

export type SittingStep = { step: SittingStepName, state: TrackState, at_ms: number | null, };

export type SittingStepName = "entry" | "unlock" | "start" | "running" | "end" | "submit";

export type NextStep = { action: NextAction, blocked_by: Notice | null, 
/**
 * A second sentence, such as when the time ends by itself.
 */
note: Notice | null, };

export type NextAction = "pull" | "publish_seats" | "unlock" | "start" | "end" | "submit" | "nothing";

export type AlertRow = { alert_no: number, notice: Notice, since_ms: number, 
/**
 * Seats that it concerns; many at once are one alert.
 */
seats: Array<number>, acknowledged: Acknowledged | null, };

export type Acknowledged = { by: StaffName, at_ms: number, note: string, };

export type StationOutcome = { page: StationPage, refused: Refused | null, };

export type RoomView = { columns: number, tiles: Array<SeatTile>, 
/**
 * The class groups of the sitting that is worked on, in its order.
 */
classes: Array<RoomClass>, counts: SeatCounts, expected: number, present: number, filter: SeatFilter, 
/**
 * The seat whose panel is open.
 */
panel: SeatPanel | null, };

export type RoomClass = { class_no: string, name: string, };

export type SeatTile = { 
/**
 * 0 for a spare machine without a number, which has no panel.
 */
seat_no: number, machine: MachineState, device_name: string | null, 
/**
 * Who sits or is expected here; none: a spare machine or an empty seat.
 */
name: string | null, 
/**
 * The class group of whoever sits or is expected here.
 */
class_no: string | null, state: TileState, answered: number | null, questions: number | null, ends_ms: number | null, 
/**
 * Minutes credited, when there are any.
 */
credited_min: number, handed_in_ms: number | null, 
/**
 * Path of the last picture for the page's image protocol.
 */
picture: string | null, 
/**
 * At most one, the worst.
 */
alert: TileAlert | null, progress: Progress, };

export type MachineState = "in_contact" | "out_of_contact" | "none" | "spare" | "out_of_use";

export type TileState = "empty" | "expected" | "arrived" | "checked_in" | "confirmed" | "waiting" | "answering" | "suspended" | "handed_in" | "removed" | "absent" | "arrived_not_seated" | "not_admitted" | "late_refused";

export type TileAlert = { kind: TileAlertKind, since_ms: number, };

export type TileAlertKind = "storage" | "fork" | "outage_undecided" | "out_of_contact" | "fenced" | "camera" | "not_started" | "keys_missing" | "needs_confirmation";

export type Progress = { handed_in: boolean, sealed: boolean, at_hub: boolean, at_center: boolean, 
/**
 * Pictures that the center has not yet.
 */
pictures_left: number, };

export type SeatCounts = { all: number, attention: number, answering: number, suspended: number, handed_in: number, absent: number, spare: number, };

export type SeatFilter = "all" | "attention" | "answering" | "suspended" | "handed_in" | "absent" | "spare";

export type SeatPanel = { seat_no: number, machine: MachineState, device_name: string | null, address: string | null, candidate: PanelCandidate | null, state: TileState, answered: number | null, questions: number | null, ends_ms: number | null, progress: Progress, 
/**
 * What the cameras saw last, newest first; paths for the page's image protocol.
 */
pictures: Array<PanelPicture>, 
/**
 * Code of what is wrong with the camera, e.g. `camera.unplugged`.
 */
camera: string | null, 
/**
 * What happened and what can be done about it.
 */
trouble: PanelTrouble | null, history: Array<HistoryRow>, actions: Array<SeatDeed>, 
/**
 * Machines that could take this candidate over.
 */
spares: Array<SpareMachine>, };

export type PanelCandidate = { ticket_no: string, name: string, masked_id: string, class_name: string, employer: string, 
/**
 * Path of the registered photo.
 */
photo: string | null, arrival_ms: number | null, extra_minutes: number, };

export type PictureUse = "check_in" | "snapshot";

export type PanelPicture = { path: string, usage: PictureUse, taken_ms: number, pattern: boolean, };

export type PanelTrouble = { notice: Notice, since_ms: number, outage: PanelOutage | null, };

export type PanelOutage = { outage_no: number, cause: OutageCause, from_ms: number, to_ms: number, proposed_ms: number, };

export type HistoryRow = { at_ms: number, notice: Notice, };

export type SeatDeed = { deed: SeatDeedName, blocked_by: Notice | null, second: boolean, reason: boolean, };

export type SeatDeedName = "start_seat" | "arrive" | "confirm" | "not_admitted" | "late_entry" | "credit" | "decide_outage" | "suspend" | "resume" | "swap" | "undo_swap" | "remove" | "force_hand_in" | "reopen" | "out_of_use" | "move_number";

export type SpareMachine = { 
/**
 * Hex of the device's key, for the action.
 */
device: string, device_name: string, seat_no: number | null, };

export type UnlockTab = { state: StationUnlock, wrong_so_far: number, wait_until_ms: number | null, opens_ms: number | null, two_person: boolean, second_person: Array<StaffName>, refused: Refused | null, 
/**
 * Terminals that hold the keys, of those that should.
 */
opened: number, terminals: number, classes: Array<UnlockClass>, };

export type StationUnlock = "nothing_held" | "too_early" | "ready" | "working" | "unlocked" | "needed_again" | "over";

export type UnlockClass = { name: string, subject: string, minutes: number, candidates: number, short_hash: string, };

export type PapersTab = { own: PapersView, terminals_whole: number, terminals: number, done_bytes: number, total_bytes: number, };

export type DevicesView = { 
/**
 * How terminals find this station; also as a QR code's text.
 */
joining: JoiningView, asking: Array<AskingDevice>, known: Array<DeviceRow>, 
/**
 * Turned away when they asked; a person may let them ask again.
 */
refused: Array<RefusedDevice>, 
/**
 * The lowest seat number that no machine has.
 */
next_seat_no: number, own_equipment: EquipmentView, center: EnrolView, };

export type JoiningView = { url: string, qr_text: string, 
/**
 * The station's own fingerprint, for people who set a terminal up by hand.
 */
fingerprint: string, };

export type AskingDevice = { device: string, device_name: string, fingerprint: string, address: string, since_ms: number, 
/**
 * e.g. the key is known from another machine.
 */
warning: Notice | null, };

export type DeviceRow = { device: string, device_name: string, short_fingerprint: string, address: string, 
/**
 * It was refused because it speaks from there now.
 */
asks_from: string | null, seat_no: number | null, machine: MachineState, heard_ms: number | null, papers_whole: boolean, unlocked: boolean, failed_checks: number | null, ledger_size: number, replicated: number, unsent: number, note: Notice | null, 
/**
 * Taken off the list for good.
 */
revoked: boolean, };

export type RefusedDevice = { device: string, device_name: string, short_fingerprint: string, address: string, refused_ms: number, by: StaffName, };

export type SeatingView = { published_ms: number | null, random: boolean, working_machines: number, candidates: number, 
/**
 * Too few working machines is the only thing that blocks the room.
 */
blocked_by: Notice | null, door_list: Array<DoorRow>, };

export type DoorRow = { seat_no: number | null, name: string, 
/**
 * All but the last four digits are covered.
 */
masked_ticket: string, class_name: string, };

export type LogView = { rows: Array<LogRow>, ledger_size: number, staff: Array<StaffRow>, 
/**
 * Decisions that stand on the center's order: those that wait for it first.
 */
awaited: Array<AwaitedRow>, };

export type LogRow = { at_ms: number, by: StaffName | null, notice: Notice, 
/**
 * Terminals that have acknowledged, of those that must; none where nobody must.
 */
acknowledged: [number, number] | null, };

export type StaffRow = { person: StaffName, logged_in: boolean, 
/**
 * Locked out until then, or until a second person releases it.
 */
locked_until_ms: number | null, };

export type AwaitedRow = { awaited_no: number, notice: Notice, by: StaffName | null, second: StaffName | null, reason: string, phone: Phone | null, 
/**
 * The number of the order, once it is here.
 */
order_no: string | null, };

export type Phone = { who: string, when_ms: number, number: string, };

export type ActionScope = { "of": "seat", seat_no: number, } | { "of": "class", class_no: string, } | { "of": "room", };

export type StationAction = { "do": "enrol", hub_name: string, } | { "do": "enrol_by_stick", hub_name: string, folder: string, } | { "do": "log_in", staff_id: string, password: string, } | { "do": "log_out", } | { "do": "release_lockout", staff_id: string, reason: string, second: SecondPerson, } | { "do": "tab", tab: StationTab, } | { "do": "select", sitting_no: string, } | { "do": "filter", filter: SeatFilter, } | { "do": "open_seat", seat_no: number | null, } | { "do": "acknowledge_alert", alert_no: number, note: string, } | { "do": "pull", } | { "do": "courier_import", folder: string, } | { "do": "courier_export", folder: string, } | { "do": "check_equipment", } | { "do": "take_over", reason: string, second: SecondPerson | null, } | { "do": "approve_device", device: string, 
/**
 * None: it becomes a spare.
 */
seat_no: number | null, second: SecondPerson, } | { "do": "refuse_device", device: string, reason: string, } | { "do": "let_ask_again", device: string, reason: string, } | { "do": "forget_asking", } | { "do": "revoke_device", device: string, reason: string, second: SecondPerson, } | { "do": "publish_seats", } | { "do": "out_of_use", device: string, reason: string, second: SecondPerson, } | { "do": "back_in_use", device: string, reason: string, second: SecondPerson, } | { "do": "accept_address", device: string, reason: string, } | { "do": "check_machine", device: string, } | { "do": "move_number", seat_no: number, device: string, reason: string, } | { "do": "unlock", groups: Array<string>, second: SecondPerson | null, } | { "do": "start", } | { "do": "postpone", minutes: number, reason: string, phone: Phone | null, second: SecondPerson | null, } | { "do": "end", class_no: string | null, forced: boolean, reason: string, } | { "do": "submit", } | { "do": "start_seat", seat_no: number, } | { "do": "arrive", ticket_no: string, } | { "do": "confirm", ticket_no: string, id_document: boolean, person: boolean, ticket: boolean, contraband_clear: boolean, } | { "do": "not_admitted", ticket_no: string, reason: string, } | { "do": "late_entry", ticket_no: string, reason: string, phone: Phone | null, second: SecondPerson, } | { "do": "suspend", scope: ActionScope, reason: string, } | { "do": "resume", scope: ActionScope, reason: string, } | { "do": "credit", scope: ActionScope, minutes: number, reason: string, phone: Phone | null, second: SecondPerson | null, } | { "do": "decide_outage", seat_no: number, outage_no: number, credit_ms: number, 
/**
 * What it was, as the proctor confirms or corrects it.
 */
cause: OutageCause, reason: string, } | { "do": "decide_outages", alert_no: number, 
/**
 * None: each keeps the cause that was found.
 */
cause: OutageCause | null, reason: string, } | { "do": "swap", seat_no: number, device: string, reason: string, } | { "do": "undo_swap", seat_no: number, reason: string, second: SecondPerson, } | { "do": "remove", seat_no: number, reason: string, second: SecondPerson, } | { "do": "force_hand_in", seat_no: number, reason: string, } | { "do": "reopen", seat_no: number, reason: string, phone: Phone | null, second: SecondPerson, } | { "do": "pattern_camera", reason: string, };
