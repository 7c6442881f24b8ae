import type { StaffName } from '../src/bindings.ts'
import type {
  OtherStation,
  RoomView,
  StationFacts,
  StationPage,
  StationView,
} from '../src/station-bindings.ts'

type Make = (over: Partial<StationView>, now: number, of: Partial<StationFacts>) => StationPage

const minute = 60_000

/** The station beside this one. */
const other = (copy: OtherStation['copy'], over: Partial<OtherStation> = {}): OtherStation => ({
  hub_name: '306 管理机',
  commands: true,
  copy,
  behind_s: 0,
  since_ms: null,
  ...over,
})

/** A room with two stations, as each of them shows it. */
export function standbyScenes(
  make: Make,
  now: number,
  head: StaffName,
  looked: RoomView,
): Record<string, StationPage> {
  const follower = { hub_name: '307 备用机', commands: false }
  const standby = (others: OtherStation[], user: StaffName | null = head) =>
    make({ user }, now, {
      never_followed: others.length === 0,
      hub_name: '307 备用机',
      standing: 'standby',
      others,
      ...(user === null ? { people: [] } : {}),
    })
  return {
    'station-followed': make({}, now, { others: [other('current', follower)] }),
    'station-followed-lost': make({}, now, {
      others: [other('lost', { ...follower, since_ms: now - 4 * minute })],
    }),
    'station-standby': standby([other('current')]),
    'station-standby-behind': standby([other('behind', { behind_s: 15 })]),
    'station-standby-lost': standby([other('lost', { since_ms: now - minute })]),
    'station-standby-nobody': standby([other('current')], null),
    'station-standby-alone': standby([]),
    'station-stopped': make({ room: looked }, now, {
      standing: 'stopped',
      epoch: 2,
      others: [other('current', { hub_name: '307 备用机' })],
    }),
  }
}
