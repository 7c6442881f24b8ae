import type { RoomView, SeatTile, TileState } from '../src/station-bindings.ts'
import { taken } from './faces.ts'
import { start } from './examScenes.ts'

const minute = 60_000
const family = '赵孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎'
const given =
  '德福 玉兰 国强 敏 振华 海涛 秀梅 立军 卫东 红霞 志刚 建民 桂英 文斌 金山 永胜 小军 凤英 长河 伟'.split(' ')
const pick = (list: ArrayLike<string>, at: number): string => list[at % list.length] ?? ''
export const nameOf = (seat: number): string => `${pick(family, seat * 7 + 3)}${pick(given, seat * 11 + 5)}`

const nothing = { handed_in: false, sealed: false, at_hub: false, at_center: false, pictures_left: 0 }
const center = { handed_in: true, sealed: true, at_hub: true, at_center: true, pictures_left: 0 }

export function tile(seat_no: number, over: Partial<SeatTile> = {}): SeatTile {
  return {
    seat_no,
    machine: 'in_contact',
    device_name: `306-${String(seat_no).padStart(2, '0')}`,
    name: nameOf(seat_no),
    class_no: seat_no % 7 < 4 ? 'C1' : 'C2',
    state: 'answering',
    answered: 48 + ((seat_no * 29) % 41),
    questions: 100,
    ends_ms: start + 120 * minute,
    credited_min: 0,
    handed_in_ms: null,
    picture: taken,
    alert: null,
    progress: nothing,
    ...over,
  }
}

export const spare = (seat_no: number, device_name = `306-${seat_no}`): SeatTile =>
  tile(seat_no, {
    machine: 'spare',
    device_name,
    name: null,
    class_no: null,
    state: 'empty',
    answered: null,
    questions: null,
    ends_ms: null,
    picture: null,
  })

const still = (state: TileState): Partial<SeatTile> => ({
  state,
  answered: null,
  ends_ms: null,
  picture: null,
})

/** Everything that can be the case, once each, in a room where most go on quietly. */
export function running(count: number, now: number): SeatTile[] {
  const over: Record<number, Partial<SeatTile>> = {
    5: { state: 'handed_in', answered: 100, handed_in_ms: now - 14 * minute, progress: center },
    8: { alert: { kind: 'camera', since_ms: now - 4 * minute }, picture: null },
    12: {
      state: 'handed_in',
      answered: 97,
      handed_in_ms: now - 11 * minute,
      progress: { ...center, at_center: false, pictures_left: 0 },
    },
    15: { credited_min: 4, ends_ms: start + 124 * minute },
    17: still('absent'),
    18: { name: '阿布都热合曼·买买提依明江', answered: 63 },
    19: { alert: { kind: 'keys_missing', since_ms: now - 40_000 } },
    27: { state: 'removed', answered: 34, handed_in_ms: now - 3 * minute, progress: center },
    34: {
      state: 'suspended',
      alert: { kind: 'outage_undecided', since_ms: now - 192_000 },
      machine: 'in_contact',
    },
    41: { machine: 'out_of_contact', alert: { kind: 'out_of_contact', since_ms: now - 78_000 } },
    46: still('not_admitted'),
    47: { alert: { kind: 'storage', since_ms: now - 20_000 } },
    52: { alert: { kind: 'fenced', since_ms: now - 6 * minute } },
  }
  return Array.from({ length: count }, (_, index) => {
    const seat = index + 1
    return seat > count - 2 ? spare(seat) : tile(seat, over[seat])
  })
}

/** Before the start: people come in. */
export function entering(count: number, now: number): SeatTile[] {
  const states: readonly TileState[] = [
    'waiting',
    'waiting',
    'confirmed',
    'waiting',
    'arrived',
    'waiting',
    'expected',
  ]
  return Array.from({ length: count }, (_, index) => {
    const seat = index + 1
    if (seat > count - 2) return spare(seat)
    const state = seat === 9 ? 'checked_in' : seat === 33 ? 'late_refused' : (states[seat % 7] ?? 'waiting')
    return tile(seat, {
      ...still(state),
      picture: ['waiting', 'confirmed', 'checked_in'].includes(state) ? taken : null,
      alert: state === 'checked_in' ? { kind: 'needs_confirmation', since_ms: now - 50_000 } : null,
    })
  })
}

export const classes: RoomView['classes'] = [
  { class_no: 'C1', name: '低压电工 2611 班' },
  { class_no: 'C2', name: '焊接与热切割 2609 班（复审）' },
]

export function counts(tiles: readonly SeatTile[]): RoomView['counts'] {
  const of = (fits: (tile: SeatTile) => boolean) => tiles.filter(fits).length
  return {
    all: tiles.length,
    attention: of((each) => each.alert !== null),
    answering: of((each) => each.state === 'answering'),
    suspended: of((each) => each.state === 'suspended'),
    handed_in: of((each) => each.state === 'handed_in' || each.state === 'removed'),
    absent: of((each) =>
      ['absent', 'not_admitted', 'late_refused', 'arrived_not_seated'].includes(each.state),
    ),
    spare: of((each) => each.machine === 'spare'),
  }
}
