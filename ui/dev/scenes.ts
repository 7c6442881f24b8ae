import type {
  CandidateRow,
  CheckRow,
  DeskTab,
  DeskView,
  HandInView,
  HeardHub,
  Screen,
  ScanView,
  SittingView,
  StaffName,
  Step,
  StepState,
  UnlockState,
  View,
} from '../src/bindings.ts'
import { cells, exam, judge, longCase, minute, person, pictures, single, start } from './examScenes.ts'
import { long } from './longScenes.ts'
import { pattern, taken } from './faces.ts'

export const staff: StaffName[] = [
  { staff_id: 'JN-0217', name: '张海燕', role: 'proctor' },
  { staff_id: 'JN-0231', name: '刘志强', role: 'proctor' },
  { staff_id: 'JN-0108', name: '周国华', role: 'exam_staff' },
]

function view(screen: Screen, now: number, over: Partial<View> = {}): View {
  return {
    revision: 1,
    screen,
    clock: { exam_ms: now, utc_offset_min: 480, trust: 'anchored' },
    device: {
      device_name: '306-23',
      site: '济宁市任城考试点',
      room_name: '第 2 考场',
      seat_no: 23,
      link: 'online',
      unsent: 0,
      version: '0.1.0',
    },
    banner: null,
    ...over,
  }
}

const handIn: HandInView = {
  person,
  counts: { answered: 97, unanswered: 3, flagged: 3 },
  unanswered: [34, 61, 90],
  flagged: [34, 48, 61],
  sheet: cells(100, [34, 48, 61], [34, 61, 90]),
  ends_ms: start + 120 * minute,
  may_leave_ms: start + 30 * minute,
}

function steps(current: Step): { step: Step; state: StepState }[] {
  const all: Step[] = ['pull', 'check', 'entry', 'unlock', 'start', 'running', 'end', 'submit']
  const at = all.indexOf(current)
  return all.map((step, index) => ({ step, state: index < at ? 'done' : index === at ? 'current' : 'ahead' }))
}

const rows: CheckRow[] = [
  { check: 'camera', verdict: 'pass', value: 'USB 2.0 Camera, 640 × 480', limit: '640 × 480', advice: null },
  { check: 'disk_space', verdict: 'pass', value: '212 GiB', limit: '≥ 10 GiB', advice: null },
  { check: 'durable_write', verdict: 'pass', value: '0.2 ms', limit: '≤ 20 ms', advice: null },
  {
    check: 'reboot_survival',
    verdict: 'not_measured',
    value: '—',
    limit: '',
    advice: 'check.reboot_survival.no_reboot_yet',
  },
  { check: 'swap', verdict: 'warn', value: '2.0 GiB', limit: '0', advice: 'check.swap.on' },
  { check: 'core_dumps', verdict: 'pass', value: '0', limit: '0', advice: null },
  { check: 'clock_offset', verdict: 'pass', value: '0.04 s', limit: '≤ 1 s', advice: null },
  { check: 'center_reachable', verdict: 'pass', value: '12 ms', limit: '', advice: null },
  {
    check: 'internet_unreachable',
    verdict: 'fail',
    value: '223.5.5.5',
    limit: '',
    advice: 'check.internet_unreachable.reached',
  },
  { check: 'displays', verdict: 'pass', value: '1 × 1366 × 768', limit: '1 × 1024 × 768', advice: null },
  {
    check: 'input_devices',
    verdict: 'pass',
    value: '1 mouse · 1 keyboard',
    limit: '≥ 1 mouse, ≥ 1 keyboard',
    advice: null,
  },
  {
    check: 'memory',
    verdict: 'pass',
    value: '7.7 GiB (5.1 GiB free)',
    limit: '≥ 3.5 GiB, ≥ 1 GiB free',
    advice: null,
  },
  { check: 'power', verdict: 'not_measured', value: '—', limit: '', advice: 'check.power.not_reported' },
  { check: 'database', verdict: 'pass', value: 'SQLite 3.54.1', limit: '', advice: null },
  { check: 'packages', verdict: 'pass', value: '2 / 2', limit: '', advice: null },
  { check: 'time_since_boot', verdict: 'pass', value: '41 min', limit: '', advice: null },
]

const people: CandidateRow[] = [
  {
    ticket_no: '3708261120010023',
    name: '王建国',
    masked_id: '370811********2318',
    seat_no: 23,
    class_name: '低压电工 2611 班',
    state: 'answering',
    arrival_ms: start - 24 * minute,
    answered: 76,
    ends_ms: start + 120 * minute,
  },
  {
    ticket_no: '3708261120010024',
    name: '李秀英',
    masked_id: '370811********4521',
    seat_no: 24,
    class_name: '低压电工 2611 班',
    state: 'expected',
    arrival_ms: null,
    answered: null,
    ends_ms: null,
  },
  {
    ticket_no: '3708261120010025',
    name: '赵卫东',
    masked_id: '370826********0013',
    seat_no: 25,
    class_name: '安全管理人员 2611 班',
    state: 'suspended',
    arrival_ms: start - 20 * minute,
    answered: 41,
    ends_ms: start + 123 * minute,
  },
  {
    ticket_no: '3708261120010026',
    name: '欧阳慧敏',
    masked_id: '370811********772X',
    seat_no: 26,
    class_name: '安全管理人员 2611 班',
    state: 'receipted',
    arrival_ms: start - 28 * minute,
    answered: 100,
    ends_ms: start + 90 * minute,
  },
  {
    ticket_no: '3708261120010027',
    name: '孙立新',
    masked_id: '370829********1234',
    seat_no: 27,
    class_name: '低压电工 2611 班',
    state: 'absent',
    arrival_ms: null,
    answered: null,
    ends_ms: null,
  },
]

const sitting: SittingView = {
  sitting_no: 'S-20261120-0900',
  plan_name: '2026 年济宁考试中心低压电工作业初领第 11 期',
  start_ms: start,
  late_limit_ms: start + 15 * minute,
  latest_start_ms: start + 30 * minute,
  candidates: people,
  may_start: false,
  start_blocked_by: { code: 'start.not_unlocked', args: {}, tone: 'amber' },
  outages: [
    {
      outage_no: 1,
      ticket_no: '3708261120010025',
      candidate_name: '赵卫东',
      cause: 'power',
      from_ms: start + 30 * minute,
      to_ms: start + 33 * minute + 12_000,
      proposed_ms: 192_000,
      decided_ms: null,
    },
    {
      outage_no: 1,
      ticket_no: '3708261120010023',
      candidate_name: '王建国',
      cause: 'crash',
      from_ms: start + 8 * minute,
      to_ms: start + 9 * minute,
      proposed_ms: 60_000,
      decided_ms: 60_000,
    },
  ],
  may_end: false,
  ended: false,
  pattern_camera_allowed: false,
  second_person: [],
}

interface DeskOver extends Partial<DeskView> {
  unlockState?: UnlockState
}

function desk(tab: DeskTab, current: Step, over: DeskOver = {}): Screen {
  const { unlockState, ...rest } = over
  const data: DeskView = {
    tab,
    user: staff[0] ?? null,
    track: steps(current),
    next_blocked_by: { code: 'start.not_unlocked', args: {}, tone: 'amber' },
    papers: {
      held: [
        {
          sitting_no: 'S-20261120-0900',
          version: 1,
          plan_name: '2026 年济宁考试中心低压电工作业初领第 11 期',
          room_name: '第 2 考场',
          start_ms: start,
          classes: [
            {
              class_no: 'C1',
              name: '低压电工 2611 班',
              subject: '低压电工作业',
              minutes: 120,
              candidates: 40,
              bytes: 8_420_000,
              state: 'held',
              verified_ms: start - 23 * 60 * minute,
              short_hash: '9F3C 21A7 0D5E 84B6',
            },
            {
              class_no: 'C2',
              name: '安全管理人员 2611 班',
              subject: '安全生产管理人员',
              minutes: 90,
              candidates: 20,
              bytes: 3_120_000,
              state: 'held',
              verified_ms: start - 23 * 60 * minute,
              short_hash: '71B0 C4D2 9E33 0A1F',
            },
          ],
          granted: true,
          superseded: false,
          selected: true,
        },
        {
          sitting_no: 'S-20261120-1400',
          version: 1,
          plan_name: '2026 年济宁考试中心低压电工作业复审第 11 期',
          room_name: '第 2 考场',
          start_ms: start + 300 * minute,
          classes: [
            {
              class_no: 'C1',
              name: '低压电工复审班',
              subject: '低压电工作业',
              minutes: 120,
              candidates: 55,
              bytes: 8_420_000,
              state: 'pulling',
              verified_ms: null,
              short_hash: '0000 0000 0000 0000',
            },
          ],
          granted: false,
          superseded: false,
          selected: false,
        },
      ],
      pull: { state: 'running', what: 'S-20261120-1400', done_bytes: 5_100_000, total_bytes: 8_420_000 },
      courier_folders: ['/media/usb0'],
    },
    equipment: {
      running: false,
      checked_ms: String(start - 22 * 60 * minute),
      before_reboot: false,
      rows,
      saved_to: null,
    },
    unlock: {
      state: unlockState ?? 'ready',
      sitting_no: 'S-20261120-0900',
      wrong_so_far: 0,
      wait_until_ms: null,
      opens_ms: start - 30 * minute,
      two_person: false,
      second_person: [],
      refused: null,
    },
    sitting: sitting,
    records: {
      objects: [
        {
          kind: 'bundle',
          short_hash: 'A1F0 33C2 9B1E 7D40',
          bytes: 182_000,
          receipted: false,
          last_failure: 'upstream.unreachable',
        },
        {
          kind: 'picture',
          short_hash: '7C11 0E52 AB90 1124',
          bytes: 61_000,
          receipted: true,
          last_failure: null,
        },
        {
          kind: 'picture',
          short_hash: '0B73 1F4C 22D9 5E01',
          bytes: 58_500,
          receipted: true,
          last_failure: null,
        },
        {
          kind: 'report',
          short_hash: '55D2 8A10 C3F7 6612',
          bytes: 4_100,
          receipted: true,
          last_failure: null,
        },
      ],
      ledger_size: 1206,
      witnessed_size: 1193,
      last_witnessed_ms: start + 40 * minute,
      exported_to: null,
      staff_roles: ['proctor'],
    },
    ...rest,
  }
  return { name: 'desk', data }
}

const standby = (over: object): Screen => ({
  name: 'standby',
  data: {
    plan_name: '2026 年济宁考试中心低压电工作业初领第 11 期',
    room_name: '第 2 考场，实训楼 306 室',
    seat_no: 23,
    start_ms: start,
    entry_opens_ms: start - 30 * minute,
    entry: 'open',
    ...over,
  },
})

const confirm = (over: object): Screen => ({
  name: 'staff_confirm',
  data: { person, picture_url: taken, pattern: false, why: 'usual', staff, late: false, ...over },
})

const identified = (over: object): Screen => ({
  name: 'person',
  data: {
    person,
    camera: { state: 'ready', name: 'USB Camera' },
    taking: false,
    arrival: { arrival_ms: start - 25 * minute, stamped: true, late: false },
    ...over,
  },
})

const rulesText = [
  '考生凭身份证件和准考证入场，对号入座，证件放在桌面左上角。',
  '开考后迟到 15 分钟不得入场；开考 30 分钟内不得交卷离场。',
  '手机、手表、书籍和有存储、通信功能的物品不得带入考场，已带入的应当关机后交监考员保管。',
  '考试中保持安静，不得交头接耳，不得左顾右盼，不得离开考位。有事请举手。',
  '考试过程中摄像头会随机拍照，请不要遮挡摄像头，也不要用手或衣物遮挡面部。',
  '考试机出现故障时请举手，不要自行关机。耽误的时间由监考员按规定处理。',
  '由他人冒名代替参加考试，或者携带作弊器材的，责令离场，本场成绩按规定处理。',
  '时间到，系统自动交卷。交卷以后请到候考室等候，核对成绩并签字。',
]

const score = {
  half_points: 173,
  full_half_points: 200,
  pass_half_points: 160,
  passed: true,
  by_type: [
    { item_type: 'true_false' as const, right: 62, count: 70, half_points: 124 },
    { item_type: 'single_choice' as const, right: 24, count: 30, half_points: 49 },
  ],
}

const handed = (over: object): Screen => ({
  name: 'handed_in',
  data: {
    person,
    kind: 'own',
    answered: 100,
    unanswered: 0,
    at_ms: start + 101 * minute,
    sealed: true,
    receipted: false,
    score: null,
    needs_code: false,
    ...over,
  },
})

const heard = (hub_name: string, fingerprint: string, url: string): HeardHub => ({
  hub_name,
  fingerprint,
  url,
  text: `fengjuan-hub:1?url=${encodeURIComponent(url)}&fp=${fingerprint}`,
})
const enrol = (over: object): Screen => ({
  name: 'enrol',
  data: {
    center_name: '济宁市安全生产考试中心',
    center_url: 'https://center.example:8443',
    device_name: '306 室 23 号',
    fingerprint: '7K3M-Q09R-5XB2-W4TD',
    state: 'not_asked',
    failure: null,
    courier_folders: ['/media/exam/USB'],
    courier: { state: 'idle' },
    written_to: null,
    join: { named: null, heard: [], scan: { state: 'off' }, restarting: false },
    ...over,
  },
})

const suspended = (over: object): Screen => ({
  name: 'suspended',
  data: {
    person,
    cause: 'power',
    needs_code: true,
    moved_away: false,
    since_ms: start + 30 * minute,
    ...over,
  },
})

const before = start - 28 * minute
const during = start + 52 * minute
const late = start + 111 * minute

/** Every screen in every state that looks different. */
const scanning = (scan: ScanView): View =>
  view(enrol({ join: { named: null, heard: [], scan, restarting: false } }), before)

const usual = {
  standby: view(standby({}), before),
  'standby-any-seat': view(standby({ seat_no: null }), before, {
    device: { ...view(standby({}), 0).device, seat_no: null },
  }),
  'standby-spare': view(standby({ seat_no: null, entry: 'spare' }), before, {
    device: { ...view(standby({}), 0).device, seat_no: null },
  }),
  'standby-early': view(standby({ entry: 'not_open_yet' }), start - 60 * minute),
  'standby-nothing': view(
    standby({ entry: 'nothing_held', plan_name: null, start_ms: null, entry_opens_ms: null }),
    before,
  ),
  'standby-closed': view(standby({ entry: 'closed' }), start + 16 * minute),
  identify: view(
    { name: 'identify', data: { room_name: '第 2 考场', sitting_name: '上午场，9:00 开考' } },
    before,
  ),
  person: view(identified({}), before),
  'person-fault': view(identified({ camera: { state: 'fault', code: 'camera.unplugged' } }), before),
  'person-taking': view(identified({ taking: true, camera: { state: 'pattern' } }), before),
  'person-late': view(
    identified({ arrival: { arrival_ms: start + 20 * minute, stamped: true, late: true } }),
    start + 21 * minute,
  ),
  confirm: view(confirm({}), before),
  'confirm-not-me': view(confirm({ why: 'candidate_says_not_me', late: true }), before),
  'confirm-no-picture': view(confirm({ why: 'camera_trouble', picture_url: null }), before),
  'confirm-pattern': view(confirm({ picture_url: pattern, pattern: true }), before),
  rules: view({ name: 'rules', data: { person, paragraphs: rulesText } }, before),
  'tutorial-0': view({ name: 'tutorial', data: { person, step: 0, text_size: 'standard' } }, before),
  'tutorial-1': view({ name: 'tutorial', data: { person, step: 1, text_size: 'standard' } }, before),
  'tutorial-2': view({ name: 'tutorial', data: { person, step: 2, text_size: 'largest' } }, before),
  waiting: view(
    { name: 'waiting', data: { person, start_ms: start, minutes: 120, unlocked: true, overdue: false } },
    start - 6 * minute,
  ),
  'waiting-overdue': view(
    { name: 'waiting', data: { person, start_ms: start, minutes: 120, unlocked: false, overdue: true } },
    start + minute,
  ),
  exam: view(exam(single), during),
  'exam-judge': view(exam(judge), during),
  'exam-case': view(exam(longCase), during),
  'exam-pictures': view(exam(pictures), during),
  'exam-largest': view(exam(single, { text_size: 'largest' }), during),
  'exam-warn': view(exam(single, { warn_minutes: 10 }), late),
  'exam-storage': view(exam({ ...single, saved: false }, { storage_failed: true }), during),
  'exam-held-open': view(exam(single, { held_open: true }), start + 121 * minute),
  'exam-credited': view(exam(single), during, {
    banner: { code: 'banner.time_credited', args: { seconds: '192' }, tone: 'blue' },
  }),
  'hand-in-check': view({ name: 'hand_in_check', data: handIn }, start + 101 * minute),
  'hand-in-check-many': view(
    {
      name: 'hand_in_check',
      data: {
        ...handIn,
        counts: { answered: 30, unanswered: 70, flagged: 3 },
        unanswered: Array.from({ length: 70 }, (_, n) => n + 30),
        sheet: cells(30, [3, 4, 5]),
        flagged: [3, 4, 5],
      },
    },
    start + 20 * minute,
  ),
  'hand-in-check-clear': view(
    {
      name: 'hand_in_check',
      data: {
        ...handIn,
        counts: { answered: 100, unanswered: 0, flagged: 0 },
        unanswered: [],
        flagged: [],
        sheet: cells(100, []),
      },
    },
    start + 101 * minute,
  ),
  'hand-in-confirm': view({ name: 'hand_in_confirm', data: handIn }, start + 101 * minute),
  suspended: view(suspended({}), start + 33 * minute),
  'suspended-moved-away': view(
    suspended({ cause: 'device', needs_code: false, moved_away: true }),
    start + 33 * minute,
  ),
  'suspended-storage': view(suspended({ cause: 'storage', needs_code: false }), start + 33 * minute),
  'handed-in': view(handed({}), start + 101 * minute),
  'handed-in-score': view(handed({ score, receipted: true }), start + 101 * minute),
  'handed-in-failed': view(
    handed({
      kind: 'time_up',
      unanswered: 4,
      answered: 96,
      score: { ...score, half_points: 141, passed: false },
    }),
    start + 120 * minute,
  ),
  'handed-in-needs-code': view(handed({ needs_code: true }), start + 121 * minute),
  'not-sitting': view({ name: 'not_sitting', data: { outcome: 'not_admitted', seat_no: 23 } }, before),
  'not-sitting-late': view(
    { name: 'not_sitting', data: { outcome: 'late_refused', seat_no: 23 } },
    start + 20 * minute,
  ),
  broken: view(
    {
      name: 'broken',
      data: {
        code: 'store.corrupted',
        args: { folder: '/var/lib/fengjuan', detail: 'database disk image is malformed: page 12' },
      },
    },
    before,
  ),
  enrol: view(enrol({}), before),
  'enrol-carried': view(
    enrol({
      state: 'carried',
      written_to: '/media/exam/USB',
      join: { named: null, heard: [], scan: { state: 'off' }, restarting: false },
    }),
    before,
  ),
  'enrol-refused-stick': view(
    enrol({ state: 'carried', courier: { state: 'failed', code: 'enrol.stick_nothing', args: {} } }),
    before,
  ),
  'enrol-heard': view(
    enrol({
      join: {
        named: 'https://192.168.6.9:8443',
        heard: [
          heard('第 2 考场管理机', '4T7Q-0MZK-93XB-R2WD', 'https://192.168.6.10:8443'),
          heard('第 2 考场备用管理机', 'H1C8-YV5N-KQ6E-07PS', 'https://192.168.6.9:8443'),
        ],
        scan: { state: 'off' },
        restarting: false,
      },
    }),
    before,
  ),
  'enrol-scan': scanning({ state: 'looking', picture_url: taken, notice: 'join.scan_other' }),
  'enrol-scanned': scanning({
    state: 'found',
    text: 'fengjuan-hub:1?url=https%3A%2F%2F192.168.6.10%3A8443&fp=4T7Q-0MZK-93XB-R2WD',
    url: 'https://192.168.6.10:8443',
    fingerprint: '4T7Q-0MZK-93XB-R2WD',
  }),
  'enrol-no-camera': scanning({ state: 'ended', code: 'camera.not_found' }),
  'enrol-pending': view(enrol({ state: 'pending', failure: 'upstream.unreachable' }), before),
  'log-in': view({ name: 'log_in', data: { staff, locked_until_ms: null } }, before),
  'log-in-slow': view({ name: 'log_in', data: { staff, locked_until_ms: before + 45_000 } }, before),
  'desk-papers': view(desk('papers', 'pull'), before),
  'desk-papers-none': view(
    desk('papers', 'pull', {
      user: null,
      papers: {
        held: [],
        pull: { state: 'failed', code: 'upstream.unreachable', args: {} },
        courier_folders: [],
      },
      next_blocked_by: null,
    }),
    before,
    {
      device: { ...view(standby({}), 0).device, link: 'offline' },
      clock: { exam_ms: before, utc_offset_min: 480, trust: 'unverified' },
    },
  ),
  'desk-equipment': view(desk('equipment', 'check'), before),
  'desk-equipment-rebooted': view(
    desk('equipment', 'check', {
      equipment: {
        running: false,
        checked_ms: String(start - 22 * 60 * minute),
        before_reboot: true,
        rows,
        saved_to: '/media/usb0/检查报告-306-23-20261119.json',
      },
    }),
    before,
  ),
  'desk-equipment-none': view(
    desk('equipment', 'check', {
      equipment: { running: false, checked_ms: null, before_reboot: false, rows: [], saved_to: null },
    }),
    before,
  ),
  'desk-unlock': view(desk('unlock', 'unlock'), start - 17 * minute),
  'desk-unlock-wrong': view(
    desk('unlock', 'unlock', {
      unlock: {
        state: 'ready',
        sitting_no: 'S',
        wrong_so_far: 2,
        wait_until_ms: start - 17 * minute + 25_000,
        opens_ms: null,
        two_person: false,
        second_person: [],
        refused: { code: 'unlock.wrong_code', args: {} },
      },
    }),
    start - 17 * minute,
  ),
  'desk-unlock-two': view(
    desk('unlock', 'unlock', {
      unlock: {
        state: 'needed_again',
        sitting_no: 'S',
        wrong_so_far: 0,
        wait_until_ms: null,
        opens_ms: null,
        two_person: true,
        second_person: [{ staff_id: 'JN-0231', name: '刘志强', role: 'proctor' }],
        refused: null,
      },
    }),
    start - 17 * minute,
  ),
  'desk-unlock-early': view(desk('unlock', 'entry', { unlockState: 'too_early' }), start - 60 * minute),
  'desk-unlock-done': view(desk('unlock', 'start', { unlockState: 'unlocked' }), start - 10 * minute),
  'desk-sitting': view(
    desk('sitting', 'running', {
      next_blocked_by: { code: 'start.nobody_waits', args: {}, tone: 'amber' },
      sitting: { ...sitting, start_blocked_by: { code: 'start.nobody_waits', args: {}, tone: 'amber' } },
    }),
    start + 41 * minute,
  ),
  'desk-sitting-ending': view(
    desk('sitting', 'end', {
      next_blocked_by: { code: 'start.nobody_waits', args: {}, tone: 'amber' },
      sitting: {
        ...sitting,
        may_end: true,
        pattern_camera_allowed: true,
        outages: [],
        candidates: people.filter((row) => row.state !== 'answering' && row.state !== 'suspended'),
        start_blocked_by: null,
      },
    }),
    start + 121 * minute,
    { device: { ...view(standby({}), 0).device, seat_no: null } },
  ),
  'desk-restarted': view(
    desk('sitting', 'running', {
      track: steps('running').map((each) => ({
        ...each,
        state:
          each.step === 'check' || each.step === 'entry' || each.step === 'unlock' ? 'current' : each.state,
      })),
    }),
    start + 9 * minute,
  ),
  'desk-missed-check': view(
    desk('sitting', 'running', {
      next_blocked_by: { code: 'start.nobody_waits', args: {}, tone: 'amber' },
      track: steps('running').map((each) => ({
        ...each,
        state: each.step === 'check' || each.step === 'entry' ? 'current' : each.state,
      })),
    }),
    start + 9 * minute,
  ),
  'desk-overlap': view(
    desk('unlock', 'unlock', {
      track: steps('unlock').map((each) => ({
        ...each,
        state: each.step === 'entry' ? 'current' : each.state,
      })),
    }),
    start - 17 * minute,
  ),
  'desk-sitting-none': view(desk('sitting', 'pull', { sitting: null }), before),
  'desk-records': view(desk('records', 'submit', { next_blocked_by: null }), start + 130 * minute, {
    device: { ...view(standby({}), 0).device, unsent: 1, link: 'offline' },
  }),
} satisfies Record<string, View>

const lengthened = [
  'standby',
  'identify',
  'person',
  'confirm',
  'rules',
  'waiting',
  'exam',
  'exam-case',
  'exam-warn',
  'hand-in-check',
  'hand-in-confirm',
  'suspended',
  'handed-in-failed',
  'log-in',
  'desk-papers',
  'desk-unlock',
  'desk-sitting',
  'desk-sitting-ending',
] as const

/** The scenes by name; `long-exam` is `exam` with everything long that can be long. */
export const scenes: Readonly<Record<string, View>> = {
  ...usual,
  ...Object.fromEntries(lengthened.map((name) => [`long-${name}`, long(usual[name])])),
}
