import type { StaffName } from '../src/bindings.ts'
import type { DeviceRow, DevicesView } from '../src/station-bindings.ts'

const minute = 60_000

const device = (now: number, seat_no: number, over: Partial<DeviceRow> = {}): DeviceRow => ({
  device: `d${seat_no}`,
  device_name: `306-${String(seat_no).padStart(2, '0')}`,
  short_fingerprint: `7K3M-${String(1000 + seat_no)}`,
  address: `192.168.6.${100 + seat_no}`,
  asks_from: null,
  seat_no,
  machine: 'in_contact',
  heard_ms: now - 3_000,
  papers_whole: true,
  unlocked: true,
  failed_checks: 0,
  ledger_size: 412 + seat_no,
  replicated: 412 + seat_no,
  unsent: 0,
  note: null,
  revoked: false,
  ...over,
})
/** The machines of a room, as its table shows them while everybody answers. */
export const knownMachines = (now: number): DeviceRow[] => [
  ...Array.from({ length: 24 }, (_, index) => device(now, index + 1)),
  device(now, 41, { machine: 'out_of_contact', heard_ms: now - 78_000, replicated: 438 }),
  device(now, 47, {
    failed_checks: 2,
    note: { code: 'machine.failed_checks', args: { failed: '2' }, tone: 'amber' },
  }),
  device(now, 53, {
    machine: 'out_of_use',
    seat_no: null,
    heard_ms: null,
    papers_whole: false,
    unlocked: false,
    failed_checks: null,
    note: { code: 'machine.out_of_use', args: {}, tone: 'amber' },
  }),
  device(now, 59, { machine: 'spare', device_name: '306-59（备用）', unlocked: false }),
]

/** Machines of every kind: some ask, one was taken off the list, one was turned away. */
export const machinesOfEveryKind = (
  before: number,
  during: number,
  user: StaffName,
): Pick<DevicesView, 'asking' | 'known' | 'refused'> => ({
  asking: [
    {
      device: 'n1',
      device_name: '306-54',
      fingerprint: '7K3M-Q09R-5XB2-W4TD',
      address: '192.168.6.154',
      since_ms: before - 90_000,
      warning: null,
    },
    {
      device: 'n2',
      device_name: '306-55',
      fingerprint: 'A8H2-0V6N-ZC1P-R3JK',
      address: '192.168.6.155',
      since_ms: before - 40_000,
      warning: { code: 'enrol.key_on_two_machines', args: {}, tone: 'red' },
    },
  ],
  known: [
    ...knownMachines(during),
    device(during, 60, {
      machine: 'out_of_use',
      seat_no: null,
      heard_ms: null,
      papers_whole: false,
      unlocked: false,
      failed_checks: null,
      note: { code: 'machine.revoked', args: {}, tone: 'red' },
      revoked: true,
    }),
  ],
  refused: [
    {
      device: 'r1',
      device_name: '307-02',
      short_fingerprint: 'Q2M4-7H0T',
      address: '192.168.6.201',
      refused_ms: before - 12 * minute,
      by: user,
    },
  ],
})
