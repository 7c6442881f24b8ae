import type { RoomView, SeatFilter, SeatTile, TileAlertKind, TileState } from '../station-bindings.ts'
import type { IconName } from '../parts/icons.ts'

export type Tone = 'quiet' | 'blue' | 'amber' | 'green' | 'red'

/** Every state has a shape before it has a colour. */
export const stateLook: Record<TileState, { icon: IconName; tone: Tone }> = {
  empty: { icon: 'ring-dash', tone: 'quiet' },
  expected: { icon: 'ring-dash', tone: 'quiet' },
  arrived: { icon: 'user', tone: 'blue' },
  checked_in: { icon: 'camera', tone: 'amber' },
  confirmed: { icon: 'check', tone: 'blue' },
  waiting: { icon: 'clock', tone: 'blue' },
  answering: { icon: 'dot', tone: 'blue' },
  suspended: { icon: 'pause', tone: 'amber' },
  handed_in: { icon: 'done', tone: 'green' },
  removed: { icon: 'stop', tone: 'red' },
  absent: { icon: 'minus', tone: 'quiet' },
  arrived_not_seated: { icon: 'minus', tone: 'quiet' },
  not_admitted: { icon: 'minus', tone: 'quiet' },
  late_refused: { icon: 'minus', tone: 'quiet' },
}

/** Red is for harm alone; what waits for a person is amber. */
export const alertLook: Record<TileAlertKind, { icon: IconName; tone: 'amber' | 'red'; timed: boolean }> = {
  storage: { icon: 'fail', tone: 'red', timed: false },
  fork: { icon: 'fail', tone: 'red', timed: false },
  outage_undecided: { icon: 'power', tone: 'amber', timed: true },
  out_of_contact: { icon: 'net-off', tone: 'amber', timed: true },
  fenced: { icon: 'lock', tone: 'amber', timed: false },
  camera: { icon: 'camera-off', tone: 'amber', timed: false },
  not_started: { icon: 'clock', tone: 'amber', timed: true },
  keys_missing: { icon: 'key', tone: 'amber', timed: false },
  needs_confirmation: { icon: 'user', tone: 'amber', timed: false },
}

const notSitting: ReadonlySet<TileState> = new Set([
  'absent',
  'arrived_not_seated',
  'not_admitted',
  'late_refused',
])

export const isSitting = (state: TileState): boolean => state === 'answering' || state === 'suspended'

/** The mark of a class group on its tiles: a circled number in the sitting's order; none where there is only one. */
export function classMark(room: Pick<RoomView, 'classes'>, class_no: string | null): string | null {
  if (class_no === null || room.classes.length < 2) return null
  const place = room.classes.findIndex((each) => each.class_no === class_no)
  return place < 0 || place > 19 ? null : String.fromCodePoint(0x2460 + place)
}

/** A place where nobody sits: it is drawn as an outline. */
export function isHollow(tile: SeatTile): boolean {
  return tile.name === null || tile.state === 'empty' || notSitting.has(tile.state)
}

/** Seats keep their places; those that a filter does not ask for only step back. */
export function matches(tile: SeatTile, filter: SeatFilter): boolean {
  switch (filter) {
    case 'all':
      return true
    case 'attention':
      return tile.alert !== null
    case 'absent':
      return notSitting.has(tile.state)
    case 'spare':
      return tile.machine === 'spare'
    case 'answering':
    case 'suspended':
      return tile.state === filter
    case 'handed_in':
      return tile.state === 'handed_in' || tile.state === 'removed'
    default:
      return filter satisfies never
  }
}

/** Where the walkways run, after which column, as most rooms have them. */
export function walkways(columns: number): readonly number[] {
  switch (columns) {
    case 6:
      return [3]
    case 7:
    case 8:
      return [4]
    case 9:
      return [3, 6]
    case 10:
      return [3, 7]
    case 11:
      return [4, 7]
    case 12:
      return [4, 8]
    default:
      return []
  }
}
