// Generated from crates/terminal/src/view. Do not edit: run scripts/bindings.

export type View = { 
/**
 * Rises with every change, so that a late answer never overwrites a newer picture.
 */
revision: number, screen: Screen, clock: ClockView, device: DeviceView, 
/**
 * One calm sentence at most.
 */
banner: Notice | null, };

export type Screen = { "name": "broken", "data": BrokenView } | { "name": "enrol", "data": EnrolView } | { "name": "standby", "data": StandbyView } | { "name": "identify", "data": IdentifyView } | { "name": "person", "data": PersonView } | { "name": "staff_confirm", "data": StaffConfirmView } | { "name": "rules", "data": RulesView } | { "name": "tutorial", "data": TutorialView } | { "name": "waiting", "data": WaitingView } | { "name": "exam", "data": ExamView } | { "name": "hand_in_check", "data": HandInView } | { "name": "hand_in_confirm", "data": HandInView } | { "name": "suspended", "data": SuspendedView } | { "name": "handed_in", "data": HandedInView } | { "name": "not_sitting", "data": NotSittingView } | { "name": "log_in", "data": LogInView } | { "name": "desk", "data": DeskView };

export type BrokenView = { 
/**
 * e.g. `store.corrupted`, `store.newer_schema`, `store.already_running`.
 */
code: string, args: { [key in string]: string }, };

export type ClockView = { exam_ms: number, 
/**
 * Offset of the site's time zone, for printing hours and minutes.
 */
utc_offset_min: number, trust: ClockTrust, };

export type ClockTrust = "anchored" | "carried" | "unverified";

export type DeviceView = { device_name: string, site: string, room_name: string, seat_no: number | null, link: LinkState, 
/**
 * Sealed objects without the center's verified receipt.
 */
unsent: number, version: string, };

export type LinkState = "online" | "offline" | "not_enrolled";

export type Notice = { code: string, args: { [key in string]: string }, tone: Tone, };

export type Tone = "blue" | "amber" | "red" | "green";

export type Refused = { code: string, args: { [key in string]: string }, };

export type Outcome = { view: View, refused: Refused | null, };

export type StandbyView = { plan_name: string | null, room_name: string, seat_no: number | null, start_ms: number | null, entry_opens_ms: number | null, entry: EntryState, };

export type EntryState = "nothing_held" | "not_open_yet" | "open" | "closed" | "over" | "spare";

export type IdentifyView = { room_name: string, sitting_name: string, };

export type PersonFacts = { name: string, masked_id: string, ticket_no: string, seat_no: number, subject: string, class_name: string, attempt_type: AttemptType, 
/**
 * `paper://localhost/photo?of=…`: the registered photo. The same address as long as it is the same photo.
 */
photo_url: string | null, };

export type PersonView = { person: PersonFacts, camera: CameraView, 
/**
 * True while a picture is being taken; the buttons wait.
 */
taking: boolean, arrival: ArrivalView, };

export type CameraView = { "state": "ready", name: string, } | { "state": "pattern", } | { "state": "fault", code: string, };

export type ArrivalView = { arrival_ms: number, 
/**
 * True when a staff member stamped it, false when it is the moment of identification.
 */
stamped: boolean, late: boolean, };

export type StaffConfirmView = { person: PersonFacts, 
/**
 * `paper://localhost/checkin?r=…`: the picture just taken; `None` when staff decided to go on without.
 */
picture_url: string | null, pattern: boolean, 
/**
 * Set when the candidate said "not me" or the camera failed.
 */
why: ConfirmReason, 
/**
 * Only these may confirm (id and name).
 */
staff: Array<StaffName>, late: boolean, };

export type ConfirmReason = "usual" | "candidate_says_not_me" | "camera_trouble";

export type StaffName = { staff_id: string, name: string, role: Role, };

export type SecondPerson = { staff_id: string, password: string, };

export type RulesView = { person: PersonFacts, paragraphs: Array<string>, };

export type TutorialView = { person: PersonFacts, 
/**
 * 0, 1, 2.
 */
step: number, text_size: TextSize, };

export type WaitingView = { person: PersonFacts, start_ms: number, minutes: number, unlocked: boolean, 
/**
 * The planned start has passed and the proctor has not started yet.
 */
overdue: boolean, };

export type ExamView = { person: PersonFacts, question: QuestionView, 
/**
 * One for every question, in paper order.
 */
sheet: Array<SheetCell>, sections: Array<SheetSection>, counts: Counts, 
/**
 * End of the exam with credits; remaining time is this minus the exam clock.
 */
ends_ms: number, 
/**
 * True while the time is over but an outage is undecided, so that automatic hand-in waits.
 */
held_open: boolean, 
/**
 * When the candidate may hand in at the earliest.
 */
may_leave_ms: number, text_size: TextSize, 
/**
 * The last answer could not be stored: raise your hand.
 */
storage_failed: boolean, 
/**
 * 10 or 5 once, when that many minutes are left.
 */
warn_minutes: number | null, };

export type QuestionView = { 
/**
 * From 0.
 */
position: number, item_type: ItemType, half_points: number, case_text: string | null, stem: string, 
/**
 * `paper://localhost/media/<n>?of=…`, served only while this question is shown.
 */
stem_picture: string | null, 
/**
 * In screen order.
 */
options: Array<OptionView>, flagged: boolean, 
/**
 * The tick: this answer is durable.
 */
saved: boolean, };

export type OptionView = { text: string, picture: string | null, chosen: boolean, };

export type SheetCell = { answered: boolean, flagged: boolean, };

export type SheetSection = { item_type: ItemType, first: number, count: number, };

export type Counts = { answered: number, unanswered: number, flagged: number, };

export type HandInView = { person: PersonFacts, counts: Counts, 
/**
 * Positions, from 0.
 */
unanswered: Array<number>, flagged: Array<number>, sheet: Array<SheetCell>, ends_ms: number, may_leave_ms: number, };

export type SuspendedView = { person: PersonFacts, cause: OutageCause, 
/**
 * The machine restarted: the code must be typed again.
 */
needs_code: boolean, 
/**
 * The attempt goes on at another machine; here it is read-only.
 */
moved_away: boolean, since_ms: number, };

export type HandedInView = { person: PersonFacts, kind: HandInKind, answered: number, unanswered: number, at_ms: number, 
/**
 * Sealed and durable on this machine.
 */
sealed: boolean, 
/**
 * The center's receipt was verified.
 */
receipted: boolean, 
/**
 * Shown only where and when the plan allows.
 */
score: ScoreView | null, 
/**
 * The program stopped after the hand-in: the code must be typed again for the result.
 */
needs_code: boolean, };

export type ScoreView = { half_points: number, full_half_points: number, pass_half_points: number, passed: boolean, by_type: Array<TypeScore>, };

export type TypeScore = { item_type: ItemType, right: number, count: number, half_points: number, };

export type NotSittingView = { outcome: NotSittingOutcome, seat_no: number, };

export type NotSittingOutcome = "not_admitted" | "late_refused";

export type EnrolView = { center_name: string, center_url: string, device_name: string, 
/**
 * Four Crockford groups, compared by two people on two screens.
 */
fingerprint: string, state: EnrolState, 
/**
 * Code of the last failure, e.g. `upstream.unreachable`.
 */
failure: string | null, 
/**
 * The way by stick: folders that look like a courier's, and how the last reading of one went.
 */
courier_folders: Array<string>, courier: PullState, 
/**
 * Where the request was written last.
 */
written_to: string | null, 
/**
 * At which hub a terminal enrols; none at a station.
 */
join: JoinView | null, };

export type JoinView = { 
/**
 * Address of the one that the kit or a person named; none: the center itself.
 */
named: string | null, 
/**
 * Hubs of this site that are heard on the local network. Nothing of them is trusted.
 */
heard: Array<HeardHub>, 
/**
 * Whether the camera looks for the QR code on a station's page.
 */
scan: ScanView, 
/**
 * One was named just now: the program begins anew.
 */
restarting: boolean, };

export type ScanView = { "state": "off", } | { "state": "looking", 
/**
 * `paper://localhost/scan?r=…`: what the camera sees. No picture outlives the search.
 */
picture_url: string | null, 
/**
 * Code of why what was held up last is no station's code.
 */
notice: string | null, } | { "state": "found", 
/**
 * As the code says it.
 */
text: string, url: string, 
/**
 * Four Crockford groups, as on the station's own screen.
 */
fingerprint: string, } | { "state": "ended", code: string, };

export type HeardHub = { hub_name: string, 
/**
 * Four Crockford groups, as on the hub's own screen.
 */
fingerprint: string, url: string, 
/**
 * As its QR code would say it.
 */
text: string, };

export type EnrolState = "not_asked" | "carried" | "pending" | "refused" | "approved";

export type LogInView = { staff: Array<StaffName>, 
/**
 * Set while log-in is slowed after wrong passwords.
 */
locked_until_ms: number | null, };

export type DeskView = { tab: DeskTab, 
/**
 * Who is logged in; `None` before any sitting is held (then only papers and equipment).
 */
user: StaffName | null, track: Array<TrackStep>, 
/**
 * The next step and what blocks it (`code` of the page's words).
 */
next_blocked_by: Notice | null, papers: PapersView, equipment: EquipmentView, unlock: UnlockView, sitting: SittingView | null, records: RecordsView, };

export type DeskTab = "papers" | "equipment" | "unlock" | "sitting" | "records";

export type TrackStep = { step: Step, state: StepState, };

export type Step = "pull" | "check" | "entry" | "unlock" | "start" | "running" | "end" | "submit";

export type StepState = "done" | "current" | "ahead";

export type PapersView = { held: Array<HeldSitting>, pull: PullState, 
/**
 * Folders that look like a courier stick (for import and export).
 */
courier_folders: Array<string>, };

export type HeldSitting = { sitting_no: string, version: number, plan_name: string, room_name: string, start_ms: number, classes: Array<HeldClass>, 
/**
 * Whether this device can open it once the code is typed.
 */
granted: boolean, superseded: boolean, 
/**
 * True for the sitting that the desk and the standby screen work on.
 */
selected: boolean, };

export type HeldClass = { class_no: string, name: string, subject: string, minutes: number, candidates: number, bytes: number, state: HeldState, 
/**
 * When signature and hashes were verified.
 */
verified_ms: number | null, 
/**
 * First 16 hex digits of the package's hash, in groups.
 */
short_hash: string, };

export type HeldState = "announced" | "pulling" | "held" | "damaged";

export type PullState = { "state": "idle", } | { "state": "running", what: string, done_bytes: number, total_bytes: number, } | { "state": "done", at_ms: number, } | { "state": "failed", code: string, args: { [key in string]: string }, };

export type EquipmentView = { running: boolean, checked_ms: string | null, 
/**
 * The machine has started anew since that check.
 */
before_reboot: boolean, rows: Array<CheckRow>, 
/**
 * Where the signed report was saved, if it was.
 */
saved_to: string | null, };

export type CheckRow = { check: Check, verdict: Verdict, 
/**
 * Measured value, or why it was not measured: `code?name=value&name=value`, form-encoded, such as
 * `check.disk_space.value?gib=212`; a text that is no code of the page is shown as it is. So is `limit`.
 */
value: string, limit: string, 
/**
 * Code of the advice; `None` when it passed.
 */
advice: string | null, };

export type Check = "camera" | "disk_space" | "durable_write" | "reboot_survival" | "swap" | "core_dumps" | "clock_offset" | "center_reachable" | "internet_unreachable" | "displays" | "input_devices" | "memory" | "power" | "database" | "packages" | "time_since_boot";

export type Verdict = "running" | "pass" | "warn" | "fail" | "not_measured";

export type UnlockView = { state: UnlockState, sitting_no: string | null, wrong_so_far: number, 
/**
 * No attempt is taken before this moment.
 */
wait_until_ms: number | null, opens_ms: number | null, two_person: boolean, 
/**
 * Who may type the other half.
 */
second_person: Array<StaffName>, refused: Refused | null, };

export type UnlockState = "nothing_held" | "too_early" | "ready" | "working" | "unlocked" | "needed_again" | "over";

export type CodeGroupView = { state: CodeGroupState, 
/**
 * Normalised symbols.
 */
symbols: string, 
/**
 * One spelling word a symbol, Chinese and English.
 */
spelling: Array<SpellingView>, };

export type SpellingView = { symbol: string, zh: string, en: string, };

export type CodeGroupState = "incomplete" | "valid" | "invalid";

export type SittingView = { sitting_no: string, plan_name: string, start_ms: number, late_limit_ms: number, latest_start_ms: number, candidates: Array<CandidateRow>, may_start: boolean, start_blocked_by: Notice | null, outages: Array<OutageRow>, may_end: boolean, ended: boolean, pattern_camera_allowed: boolean, second_person: Array<StaffName>, };

export type CandidateRow = { ticket_no: string, name: string, masked_id: string, seat_no: number, class_name: string, state: SeatState, arrival_ms: number | null, answered: number | null, ends_ms: number | null, };

export type SeatState = "expected" | "arrived" | "checked_in" | "confirmed" | "waiting" | "answering" | "suspended" | "handed_in" | "sealed" | "receipted" | "absent" | "arrived_not_seated" | "not_admitted" | "late_refused";

export type OutageRow = { outage_no: number, ticket_no: string, candidate_name: string, cause: OutageCause, from_ms: number, to_ms: number, proposed_ms: number, decided_ms: number | null, };

export type RecordsView = { objects: Array<ObjectRow>, ledger_size: number, 
/**
 * Entries covered by a checkpoint that the center cosigned.
 */
witnessed_size: number, last_witnessed_ms: number | null, exported_to: string | null, staff_roles: Array<Role>, };

export type ObjectRow = { kind: ObjectRowKind, short_hash: string, bytes: number, receipted: boolean, 
/**
 * Code of the last failed try.
 */
last_failure: string | null, };

export type ObjectRowKind = "bundle" | "picture" | "report";

export type CandidateAction = { "do": "begin", } | { "do": "leave", } | { "do": "identify", number: string, } | { "do": "take_picture", } | { "do": "not_me", } | { "do": "camera_trouble", } | { "do": "agree_rules", } | { "do": "tutorial_step", step: number, } | { "do": "tutorial_done", skipped: boolean, } | { "do": "choose", position: number, option: number, } | { "do": "flag", position: number, on: boolean, } | { "do": "show", position: number, } | { "do": "text_size", size: TextSize, } | { "do": "check_hand_in", } | { "do": "confirm_hand_in", } | { "do": "back_to_exam", } | { "do": "hand_in", } | { "do": "done", };

export type SeatAction = { "do": "confirm_person", staff_id: string, password: string, id_document: boolean, person: boolean, ticket: boolean, contraband_clear: boolean, } | { "do": "not_admitted", staff_id: string, password: string, reason: string, } | { "do": "retake_picture", } | { "do": "without_picture", staff_id: string, password: string, reason: string, } | { "do": "log_in", staff_id: string, password: string, } | { "do": "open_desk", };

export type DeskAction = { "do": "enrol", device_name: string, } | { "do": "enrol_by_stick", device_name: string, folder: string, } | { "do": "join_hub", text: string, } | { "do": "scan_hub", } | { "do": "stop_scan", } | { "do": "tab", tab: DeskTab, } | { "do": "log_out", } | { "do": "pull", } | { "do": "courier_import", folder: string, } | { "do": "courier_export", folder: string, } | { "do": "select", sitting_no: string, } | { "do": "check_equipment", } | { "do": "save_report", folder: string, } | { "do": "unlock", groups: Array<string>, 
/**
 * Who types the other half, where two persons have a code each.
 */
second: SecondPerson | null, } | { "do": "stamp_arrival", ticket_no: string, } | { "do": "mark_absent", ticket_no: string, } | { "do": "allow_pattern_camera", reason: string, } | { "do": "start", } | { "do": "decide_outage", ticket_no: string, outage_no: number, credit_ms: number, reason: string, } | { "do": "credit_time", ticket_no: string, minutes: number, reason: string, } | { "do": "force_hand_in", ticket_no: string, reason: string, } | { "do": "end_sitting", reason: string, } | { "do": "sync_now", };

export type TextSize = "standard" | "large" | "largest";

export type AttemptType = "first_attempt" | "makeup";

export type ItemType = "true_false" | "single_choice" | "multiple_choice";

export type Role = "proctor" | "exam_staff" | "system_administrator" | "site_head" | "auditor" | "inspector";

export type HandInKind = "own" | "time_up" | "forced";

export type OutageCause = "power" | "crash" | "suspend" | "storage" | "clock" | "lan" | "device" | "candidate_left" | "staff";
