import type { StaffName } from '../src/bindings.ts'
import type {
  AlertRow,
  DayStep,
  LogRow,
  NextStep,
  RoomView,
  SeatPanel,
  SeatTile,
  SittingTrack,
  StationFacts,
  StationPage,
  StationScreen,
  StationView,
  UnlockTab,
} from '../src/station-bindings.ts'
import { start } from './examScenes.ts'
import { registered, pattern, taken } from './faces.ts'
import { scenes, staff } from './scenes.ts'
import { standbyScenes } from './standbyScenes.ts'
import { knownMachines, machinesOfEveryKind } from './stationMachines.ts'
import { classes, counts, entering, nameOf, running, spare, tile } from './stationPeople.ts'
import { desk, order, sittingNo, track } from './stationTracks.ts'

const minute = 60_000
const head: StaffName = { staff_id: 'JN-0003', name: '马成林', role: 'site_head' }
const people: StaffName[] = [...staff, head]
const [user = head, colleague = head] = people
export const during = start + 52 * minute + 18_000
const before = start - 12 * minute

const enrol = scenes['enrol']?.screen
const pending = scenes['enrol-pending']?.screen
if (enrol?.name !== 'enrol' || pending?.name !== 'enrol') throw new Error('the scene of enrolment is gone')
const asked = { ...pending, data: { ...pending.data, join: null } }

const afternoon = track('entry', {
  sitting_no: 'S2',
  start_ms: start + 300 * minute,
  steps: order.map((step) => ({ step, state: 'ahead' as const, at_ms: null })),
})
const makeup: SittingTrack = { ...afternoon, sitting_no: 'S3', makeup: true, start_ms: start + 180 * minute }

const day: DayStep[] = [
  { step: 'pull', state: 'done', at_ms: start - 23 * 60 * minute },
  { step: 'check', state: 'done', at_ms: start - 21 * 60 * minute },
  { step: 'seats', state: 'done', at_ms: start - 60 * minute },
]

const facts: StationFacts = {
  hub_name: '306 管理机',
  site: '济宁市任城考试点',
  room_name: '第 2 考场',
  plan_name: '2026 年第 11 期 低压电工作业 初领 理论考试',
  standing: 'commanding',
  epoch: 1,
  others: [],
  never_followed: false,
  center: 'online',
  unsent: 0,
  terminals_heard: 59,
  terminals_known: 60,
  witnessed_ms: during - 12_000,
  people: [user, colleague],
  idle_locked: false,
  version: '0.1.0',
}

function room(tiles: SeatTile[], over: Partial<RoomView> = {}): RoomView {
  return {
    columns: 10,
    tiles,
    classes,
    counts: counts(tiles),
    expected: tiles.filter((each) => each.name !== null).length,
    present: tiles.filter((each) => each.name !== null).length - 2,
    filter: 'all',
    panel: null,
    ...over,
  }
}

const event = (zh: string, en: string, more: Record<string, string> = {}) => ({ zh, en, ...more })
const history: SeatPanel['history'] = [
  {
    at_ms: during - 192_000,
    notice: { code: 'event', args: event('中断记录', 'Outage recorded'), tone: 'amber' },
  },
  {
    at_ms: start + 31 * minute,
    notice: {
      code: 'event.span',
      args: event('补时', 'Time credited', { seconds: '180', reason: '考试机故障耽误作答' }),
      tone: 'blue',
    },
  },
  { at_ms: start, notice: { code: 'event', args: event('开始作答', 'Attempt started'), tone: 'blue' } },
  {
    at_ms: start - 20 * minute,
    notice: { code: 'event', args: event('人证核验通过', 'Person confirmed'), tone: 'green' },
  },
  { at_ms: start - 22 * minute, notice: { code: 'event', args: event('到场', 'Arrived'), tone: 'blue' } },
]
const blocked = (code: string) => ({ code, args: {}, tone: 'amber' as const })
const spares: SeatPanel['spares'] = [
  { device: 'a1'.repeat(32), device_name: '306-59', seat_no: 59 },
  { device: 'a2'.repeat(32), device_name: '306-备用 2', seat_no: null },
]

function panel(seat_no: number, over: Partial<SeatPanel> = {}): SeatPanel {
  return {
    seat_no,
    machine: 'in_contact',
    device_name: `306-${seat_no}`,
    address: `192.168.6.${100 + seat_no}`,
    candidate: {
      ticket_no: `37082611200100${seat_no}`,
      name: nameOf(seat_no),
      masked_id: '370802********4526',
      class_name: '低压电工 2611 班',
      employer: '山东鲁泰精密机电设备安装工程有限公司济宁分公司',
      photo: registered,
      arrival_ms: start - 22 * minute,
      extra_minutes: 0,
    },
    state: 'answering',
    answered: 61,
    questions: 100,
    ends_ms: start + 120 * minute,
    progress: { handed_in: false, sealed: false, at_hub: false, at_center: false, pictures_left: 0 },
    pictures: [46, 37, 29, 18, -12].map((at, index) => ({
      path: `${taken}#${index}`,
      usage: at < 0 ? 'check_in' : 'snapshot',
      taken_ms: start + at * minute,
      pattern: false,
    })),
    camera: null,
    trouble: null,
    history,
    actions: [
      { deed: 'credit', blocked_by: null, second: false, reason: true },
      { deed: 'suspend', blocked_by: null, second: false, reason: true },
      { deed: 'swap', blocked_by: null, second: false, reason: true },
      { deed: 'force_hand_in', blocked_by: null, second: false, reason: true },
      { deed: 'remove', blocked_by: null, second: true, reason: true },
      { deed: 'out_of_use', blocked_by: blocked('seating.in_use'), second: true, reason: true },
      { deed: 'move_number', blocked_by: blocked('seating.in_use'), second: false, reason: true },
    ],
    spares,
    ...over,
  }
}

const suspended = panel(34, {
  state: 'suspended',
  trouble: {
    notice: { code: 'trouble.outage', args: { cause: 'power' }, tone: 'amber' },
    since_ms: during - 192_000,
    outage: {
      outage_no: 1,
      cause: 'power',
      from_ms: during - 192_000,
      to_ms: during - 10_000,
      proposed_ms: 182_000,
    },
  },
  actions: [
    { deed: 'decide_outage', blocked_by: null, second: false, reason: true },
    { deed: 'resume', blocked_by: null, second: false, reason: true },
    ...panel(34).actions.filter((each) => each.deed !== 'suspend'),
  ],
})
const silent = panel(41, {
  machine: 'out_of_contact',
  trouble: {
    notice: { code: 'trouble.out_of_contact', args: {}, tone: 'amber' },
    since_ms: during - 78_000,
    outage: null,
  },
})
const unplugged = panel(23, {
  camera: 'camera.unplugged',
  trouble: {
    notice: { code: 'trouble.camera', args: { cause: 'camera.unplugged' }, tone: 'amber' },
    since_ms: during - 140_000,
    outage: null,
  },
})
const handedIn = panel(12, {
  state: 'handed_in',
  answered: 97,
  ends_ms: null,
  progress: { handed_in: true, sealed: true, at_hub: true, at_center: false, pictures_left: 3 },
  actions: [
    { deed: 'reopen', blocked_by: null, second: true, reason: true },
    { deed: 'out_of_use', blocked_by: null, second: true, reason: true },
    { deed: 'move_number', blocked_by: null, second: false, reason: true },
  ],
})
const waiting = panel(9, {
  state: 'checked_in',
  answered: null,
  ends_ms: null,
  pictures: [{ path: pattern, usage: 'check_in', taken_ms: before - 60_000, pattern: true }],
  trouble: {
    notice: { code: 'trouble.needs_confirmation', args: {}, tone: 'amber' },
    since_ms: before - 50_000,
    outage: null,
  },
  history: history.slice(-1),
  actions: [
    { deed: 'confirm', blocked_by: null, second: false, reason: false },
    { deed: 'not_admitted', blocked_by: null, second: false, reason: true },
    { deed: 'late_entry', blocked_by: null, second: true, reason: true },
  ],
})

const alert = (
  alert_no: number,
  code: string,
  tone: 'red' | 'amber' | 'blue',
  seats: number[],
  args: Record<string, string>,
  ago: number,
): AlertRow => ({ alert_no, notice: { code, args, tone }, since_ms: during - ago, seats, acknowledged: null })
const alerts: AlertRow[] = [
  alert(7, 'alert.storage', 'red', [47], { seat: '47', device: '306-47', cause: 'store.full' }, 20_000),
  alert(6, 'alert.stranger', 'red', [], { device: '9f3c22a1', cause: 'device.unknown' }, 9 * minute),
  alert(5, 'alert.outage_undecided', 'amber', [34], { seat: '34', name: nameOf(34) }, 192_000),
  alert(4, 'alert.out_of_contact', 'amber', [41], { seat: '41', device: '306-41' }, 78_000),
  alert(
    3,
    'alert.camera',
    'amber',
    [8],
    { seat: '8', device: '306-08', cause: 'camera.unplugged' },
    4 * minute,
  ),
  {
    ...alert(
      2,
      'alert.refused',
      'amber',
      [52],
      { seat: '52', device: '306-52', command: 'credit', cause: 'attempt.already_handed_in' },
      6 * minute,
    ),
    acknowledged: { by: colleague, at_ms: during - 5 * minute, note: '已到座位查看，考生已经交卷' },
  },
]
const many = running(60, during).map((each) =>
  each.seat_no > 10 && each.seat_no <= 40 && each.name !== null && each.state === 'answering'
    ? {
        ...each,
        machine: 'out_of_contact' as const,
        alert: { kind: 'out_of_contact' as const, since_ms: during - 95_000 },
      }
    : each,
)

const unlock: UnlockTab = {
  state: 'ready',
  wrong_so_far: 0,
  wait_until_ms: null,
  opens_ms: start - 30 * minute,
  two_person: false,
  second_person: [{ staff_id: 'JN-0231', name: '刘志强', role: 'proctor' }],
  refused: null,
  opened: 0,
  terminals: 60,
  classes: (desk.papers.held[0]?.classes ?? []).map((each) => ({
    name: each.name,
    subject: each.subject,
    minutes: each.minutes,
    candidates: each.candidates,
    short_hash: each.short_hash,
  })),
}

const log: LogRow[] = [
  {
    at_ms: during - 30_000,
    by: user,
    notice: {
      code: 'command.credit',
      args: { seconds: '240', name: nameOf(15), reason: '考试机故障耽误作答' },
      tone: 'blue',
    },
    acknowledged: [1, 1],
  },
  {
    at_ms: during - 3 * minute,
    by: colleague,
    notice: {
      code: 'command.remove',
      args: { name: nameOf(27), reason: '使用手机或其他电子设备' },
      tone: 'blue',
    },
    acknowledged: [1, 1],
  },
  {
    at_ms: during - 9 * minute,
    by: user,
    notice: {
      code: 'command.suspend',
      args: { class: '低压电工 2611 班', reason: '考场停电' },
      tone: 'blue',
    },
    acknowledged: [29, 30],
  },
  {
    at_ms: start,
    by: user,
    notice: { code: 'command.start', args: {}, tone: 'blue' },
    acknowledged: [58, 58],
  },
  {
    at_ms: start - 14 * minute,
    by: user,
    notice: { code: 'event', args: event('输密码开卷', 'Papers unlocked'), tone: 'blue' },
    acknowledged: null,
  },
  {
    at_ms: start - 60 * minute,
    by: user,
    notice: { code: 'event', args: event('考位公布锁定', 'Seats published'), tone: 'blue' },
    acknowledged: null,
  },
  {
    at_ms: start - 90 * minute,
    by: user,
    notice: {
      code: 'event.device',
      args: event('考试机停用', 'Machine put out of use', { device: '306-53', reason: '机器开不了机' }),
      tone: 'blue',
    },
    acknowledged: null,
  },
  {
    at_ms: start - 95 * minute,
    by: null,
    notice: { code: 'event', args: event('场次试卷到位', 'Sitting held'), tone: 'blue' },
    acknowledged: null,
  },
  {
    at_ms: start - 99 * minute,
    by: user,
    notice: { code: 'event', args: event('工作人员登录', 'Staff member logged in'), tone: 'blue' },
    acknowledged: null,
  },
]

const next: NextStep = {
  action: 'end',
  blocked_by: { code: 'room.somebody_answers', args: { answering: '52' }, tone: 'amber' },
  note: { code: 'next.ends_by_itself', args: { ends_ms: String(start + 124 * minute) }, tone: 'blue' },
}

const view: StationView = {
  user,
  tab: 'room',
  day,
  sittings: [track('running'), makeup, afternoon],
  sitting_no: sittingNo,
  next,
  alerts,
  room: room(running(60, during)),
  unlock,
  papers: {
    own: desk.papers,
    terminals_whole: 58,
    terminals: 60,
    done_bytes: 3_480_000_000,
    total_bytes: 3_600_000_000,
  },
  devices: {
    joining: {
      url: 'https://192.168.6.10:7443',
      qr_text: 'FJHUB1|https://192.168.6.10:7443|7K3MWQ09R45XB2JW4TDK',
      fingerprint: '7K3M-WQ09-R45X-B2JW',
    },
    asking: [],
    known: knownMachines(during),
    refused: [],
    next_seat_no: 54,
    own_equipment: desk.equipment,
    center: { ...enrol.data, state: 'approved', failure: null, join: null },
  },
  seating: {
    published_ms: start - 60 * minute,
    random: true,
    working_machines: 60,
    candidates: 58,
    blocked_by: null,
    door_list: Array.from({ length: 58 }, (_, index) => ({
      seat_no: index + 1,
      name: index === 17 ? '阿布都热合曼·买买提依明江' : nameOf(index + 1),
      masked_ticket: `************${String(index + 1).padStart(4, '0')}`,
      class_name: index % 2 === 0 ? '低压电工 2611 班' : '高压电工 2608 班',
    })),
  },
  log: {
    rows: log,
    ledger_size: 18_412,
    staff: people.map((person, index) => ({
      person,
      logged_in: index < 2,
      locked_until_ms: index === 2 ? during + 4 * minute : null,
    })),
    awaited: [
      {
        awaited_no: 1,
        notice: { code: 'awaited.credit_many', args: { class: '低压电工 2611 班' }, tone: 'amber' },
        by: user,
        second: head,
        reason: '考场停电耽误作答',
        phone: { who: '考试中心 高主任', when_ms: during - 8 * minute, number: '0537-2211234' },
        order_no: null,
      },
    ],
  },
}

function page(screen: StationScreen, now: number, over: Partial<StationFacts> = {}): StationPage {
  return {
    revision: 1,
    clock: { exam_ms: now, utc_offset_min: 480, trust: 'anchored' },
    station: { ...facts, ...over },
    screen,
    banner: null,
  }
}
const station = (over: Partial<StationView>, now = during, of: Partial<StationFacts> = {}): StationPage =>
  page({ name: 'station', data: { ...view, ...over } }, now, of)

const morning: Partial<StationView> = {
  sittings: [track('entry'), makeup, afternoon],
  alerts: [],
  room: room(entering(60, before)),
  next: { action: 'unlock', blocked_by: null, note: null },
}
const opened: StationView['sittings'] = [track('start'), makeup, afternoon]
const empty = room([], { columns: 1, expected: 0, present: 0 })

/** One picture of the station's page for every state that it can be in. */
export const stationScenes: Readonly<Record<string, StationPage>> = {
  'station-room': station({ room: room(running(60, during), { panel: suspended }) }),
  'station-room-alerts': station({}),
  // Of the two classes one has handed in.
  'station-room-one-class': station({
    room: room(
      running(60, during).map((tile) =>
        tile.class_no === 'C2' ? { ...tile, state: 'handed_in', alert: null } : tile,
      ),
    ),
  }),
  'station-room-100': station(
    { room: room(running(100, during), { columns: 12, panel: suspended }) },
    during,
    {
      terminals_known: 100,
      terminals_heard: 99,
    },
  ),
  'station-room-silent': station({ room: room(running(60, during), { panel: silent }) }),
  'station-room-handed-in': station({ room: room(running(60, during), { panel: handedIn }) }),
  'station-room-many': station(
    {
      room: room(many),
      alerts: [
        alert(
          9,
          'alert.many_out_of_contact',
          'amber',
          many.filter((each) => each.machine === 'out_of_contact').map((each) => each.seat_no),
          { count: '30' },
          95_000,
        ),
      ],
    },
    during,
    { terminals_heard: 30 },
  ),
  'station-room-camera': station({ room: room(running(60, during), { panel: unplugged }) }),
  'station-room-power': station({
    room: room(running(60, during)),
    alerts: [
      alert(
        10,
        'alert.many_outages',
        'amber',
        Array.from({ length: 60 }, (_, place) => place + 1),
        { count: '60' },
        95_000,
      ),
      alert(9, 'alert.outage_undecided', 'amber', [34], { seat: '34', name: nameOf(34) }, 192_000),
    ],
  }),
  'station-room-filtered': station({ room: room(running(60, during), { filter: 'attention' }) }),
  'station-room-no-pictures': station({
    room: room(
      running(60, during).map((each) => ({ ...each, picture: null })),
      { panel: { ...suspended, pictures: [] } },
    ),
  }),
  'station-room-four': station({
    room: room(
      [1, 2, 3].map((seat) => tile(seat, { credited_min: seat === 3 ? 5 : 0 })).concat(spare(0, '306-备用')),
      {
        columns: 3,
      },
    ),
    alerts: [],
    sittings: [track('running')],
  }),
  'station-room-last-minutes': station(
    { room: room(running(60, during).map((each) => ({ ...each, alert: null }))), alerts: [] },
    start + 115 * minute,
  ),
  'station-room-entry': station({ ...morning, room: room(entering(60, before), { panel: waiting }) }, before),
  'station-room-start': station(
    { ...morning, sittings: opened, next: { action: 'start', blocked_by: null, note: null } },
    before + 12 * minute,
  ),
  'station-room-postponed': station(
    {
      ...morning,
      sittings: [track('entry', { postponed_ms: 20 * minute }), makeup, afternoon],
      next: {
        action: 'unlock',
        blocked_by: {
          code: 'room.entry_not_open',
          args: { opens_ms: String(start - 10 * minute) },
          tone: 'amber',
        },
        note: null,
      },
    },
    before,
  ),
  'station-room-ended': station(
    {
      sittings: [track('submit'), makeup, afternoon],
      alerts: [],
      next: {
        action: 'submit',
        blocked_by: { code: 'room.not_submitted', args: { waiting: '3' }, tone: 'amber' },
        note: { code: 'next.unsent', args: { waiting: '3' }, tone: 'blue' },
      },
      room: room(
        running(60, during).map((each) =>
          each.name === null || ['absent', 'not_admitted'].includes(each.state)
            ? each
            : {
                ...each,
                state: 'handed_in' as const,
                alert: null,
                handed_in_ms: start + 118 * minute,
                progress: {
                  handed_in: true,
                  sealed: true,
                  at_hub: true,
                  at_center: each.seat_no % 19 !== 0,
                  pictures_left: 0,
                },
              },
        ),
      ),
    },
    start + 126 * minute,
    { unsent: 3, center: 'offline' },
  ),
  // Before the first papers nobody is known here.
  'station-room-empty': station(
    {
      user: null,
      log: { ...view.log, rows: [], awaited: [], staff: [] },
      room: empty,
      alerts: [],
      sittings: [],
      sitting_no: null,
      day: day.map((each, index) => ({ ...each, state: index === 0 ? 'current' : 'ahead', at_ms: null })),
      next: { action: 'pull', blocked_by: null, note: null },
    },
    before,
    { people: [] },
  ),
  'station-room-long': station(
    {
      room: room(running(60, during), {
        panel: {
          ...suspended,
          candidate: {
            ticket_no: '3708261120010018',
            name: '阿布都热合曼·买买提依明江·吐尔逊托合提',
            masked_id: '652901********4526',
            class_name: '金属非金属矿山（地下矿山）安全管理人员复审班 2026 年第十一期第三考场',
            employer:
              '新疆维吾尔自治区阿克苏地区库车市国有资产投资经营（集团）有限责任公司矿山机电设备安装分公司',
            photo: null,
            arrival_ms: null,
            extra_minutes: 30,
          },
          history: [...history, ...history, ...history],
        },
      }),
    },
    during,
    {
      room_name: '济宁市任城区安全生产考试中心实训楼三层第 2 考场',
      plan_name:
        '2026 年济宁市任城考试点低压电工作业、高压电工作业、金属焊接与热切割作业初领及复审第 11 期理论考试',
      people,
    },
  ),
  'station-locked': station({}, during, { idle_locked: true }),
  ...standbyScenes(station, during, head, room(running(60, during), { panel: suspended })),
  'station-unlock': station({ ...morning, tab: 'unlock' }, before),
  'station-unlock-wrong': station(
    {
      ...morning,
      tab: 'unlock',
      unlock: {
        ...unlock,
        wrong_so_far: 2,
        wait_until_ms: before + 25_000,
        refused: { code: 'unlock.wrong_code', args: {} },
      },
    },
    before,
  ),
  'station-unlock-two': station(
    { ...morning, tab: 'unlock', unlock: { ...unlock, two_person: true, state: 'needed_again', opened: 12 } },
    before,
  ),
  'station-unlock-early': station(
    { ...morning, tab: 'unlock', unlock: { ...unlock, state: 'too_early' } },
    start - 50 * minute,
  ),
  'station-unlocked': station(
    {
      ...morning,
      tab: 'unlock',
      sittings: opened,
      next: { action: 'start', blocked_by: null, note: null },
      unlock: { ...unlock, state: 'unlocked', opened: 57 },
    },
    before,
  ),
  'station-papers': station({ ...morning, tab: 'papers' }, before),
  'station-devices': station(
    {
      ...morning,
      tab: 'devices',
      devices: {
        ...view.devices,
        ...machinesOfEveryKind(before, during, user),
      },
    },
    before,
  ),
  'station-devices-none': station(
    {
      ...morning,
      tab: 'devices',
      room: empty,
      devices: { ...view.devices, known: [], center: { ...asked.data, state: 'pending' } },
    },
    before,
  ),
  'station-seating': station({ tab: 'seating' }),
  'station-seating-short': station(
    {
      ...morning,
      tab: 'seating',
      next: { action: 'publish_seats', blocked_by: null, note: null },
      seating: {
        ...view.seating,
        published_ms: null,
        working_machines: 55,
        blocked_by: {
          code: 'seating.too_few_machines',
          args: { working: '55', candidates: '58' },
          tone: 'amber',
        },
      },
    },
    before,
  ),
  'station-seating-ready': station(
    {
      ...morning,
      tab: 'seating',
      next: { action: 'publish_seats', blocked_by: null, note: null },
      seating: { ...view.seating, published_ms: null },
    },
    before,
  ),
  'station-seating-none': station(
    {
      ...morning,
      tab: 'seating',
      seating: { ...view.seating, published_ms: null, candidates: 0, working_machines: 0, door_list: [] },
    },
    before,
  ),
  'station-log': station({ tab: 'log' }),
  'station-log-none': station({ tab: 'log', log: { ...view.log, rows: [], awaited: [] } }),
  'station-log-in': page({ name: 'log_in', data: { staff: people, locked_until_ms: null } }, before, {
    people: [],
  }),
  'station-enrol': page(asked, before, { standing: 'standby', people: [] }),
  'station-broken': page(
    {
      name: 'broken',
      data: {
        code: 'store.corrupted',
        args: { folder: '/var/lib/fengjuan-hub', detail: 'database disk image is malformed' },
      },
    },
    before,
  ),
}
