import type { OutageCause } from '../bindings.ts'
import type { PanelOutage, SeatDeed, SeatDeedName, SeatPanel } from '../station-bindings.ts'
import { shortSpan } from '../clock.ts'
import type { IconName } from '../parts/icons.ts'
import type { Choice, Filled, Spec } from './decision.ts'
import type { StationKey, useStationWords } from './words.ts'

type Words = ReturnType<typeof useStationWords>

export const deedIcon: Record<SeatDeedName, IconName> = {
  start_seat: 'right',
  arrive: 'user',
  confirm: 'check',
  not_admitted: 'minus',
  late_entry: 'clock',
  credit: 'clock-plus',
  decide_outage: 'power',
  suspend: 'pause',
  resume: 'right',
  swap: 'swap',
  undo_swap: 'back',
  remove: 'stop',
  force_hand_in: 'stop',
  reopen: 'redo',
  out_of_use: 'close',
  move_number: 'swap',
}

const dangerous: ReadonlySet<SeatDeedName> = new Set([
  'not_admitted',
  'remove',
  'force_hand_in',
  'out_of_use',
])
export const isDangerous = (deed: SeatDeedName): boolean => dangerous.has(deed)

/** Most minutes that one decision may credit; more needs the center's order, which comes by itself. */
const mostMinutes = 120

const ready: Record<SeatDeedName, readonly StationKey[]> = {
  start_seat: [],
  arrive: [],
  confirm: [],
  not_admitted: ['confirm.reason_other_person', 'confirm.reason_document', 'confirm.reason_ticket'],
  late_entry: ['reason.late_traffic', 'reason.late_check'],
  credit: ['credit.reason_machine', 'credit.reason_room'],
  decide_outage: [],
  suspend: ['reason.suspend_ill', 'reason.suspend_machine'],
  resume: ['reason.resume'],
  swap: ['reason.swap_dark', 'reason.swap_broken'],
  undo_swap: ['reason.undo_swap'],
  remove: ['reason.cheat_help', 'reason.cheat_phone', 'reason.cheat_person'],
  force_hand_in: ['force.reason_ill', 'force.reason_asked'],
  reopen: ['reason.reopen'],
  out_of_use: ['reason.broken', 'reason.unstable'],
  move_number: ['reason.move'],
}

/** The panel's machine, for what is done with it; the app names it by the key of the seat's row. */
export interface SeatMachine {
  device: string
}

/** What the dialog of a deed asks and says; `null` where the panel has all that it needs already. */
export function seatSpec(
  deed: SeatDeed,
  panel: SeatPanel,
  machine: SeatMachine | null,
  words: Words,
): Spec | null {
  const { t, list } = words
  const seat = panel.seat_no
  const name = panel.candidate?.name ?? panel.device_name ?? t('tile.empty')
  const ticket_no = panel.candidate?.ticket_no ?? ''
  const args = { seat, name, answered: panel.answered ?? 0, device: panel.device_name ?? '' }
  const scope = { of: 'seat', seat_no: seat } as const
  const named = deed.deed
  const spares: Choice[] = panel.spares.map((spare) => ({
    value: spare.device,
    label:
      spare.seat_no === null
        ? spare.device_name
        : list([t('tile.number', { seat: spare.seat_no }), spare.device_name]),
  }))
  const base: Omit<Spec, 'make'> = {
    test: `deed-${named}`,
    title: t('deed.title', { deed: t(`deed.${named}`), seat, name }),
    means: [t(`deed_means.${named}`, args), t('decision.recorded')],
    action: t(`deed_action.${named}`, args),
    danger: isDangerous(named),
    ready: deed.reason ? ready[named].map((key) => t(key)) : undefined,
    second: deed.second,
  }
  const withSecond = (filled: Filled) => filled.second ?? { staff_id: '', password: '' }
  switch (named) {
    case 'arrive':
    case 'decide_outage':
      return null
    case 'start_seat':
      return { ...base, make: () => ({ do: 'start_seat', seat_no: seat }) }
    case 'confirm':
      return {
        ...base,
        checks: [
          t('confirm.id_document'),
          t('confirm.person'),
          t('confirm.ticket'),
          t('confirm.contraband_clear'),
        ],
        make: () => ({
          do: 'confirm',
          ticket_no,
          id_document: true,
          person: true,
          ticket: true,
          contraband_clear: true,
        }),
      }
    case 'not_admitted':
      return { ...base, make: ({ reason }) => ({ do: 'not_admitted', ticket_no, reason }) }
    case 'late_entry':
      return {
        ...base,
        phone: true,
        make: (filled) => ({
          do: 'late_entry',
          ticket_no,
          reason: filled.reason,
          phone: filled.phone,
          second: withSecond(filled),
        }),
      }
    case 'credit':
      return {
        ...base,
        minutes: { most: mostMinutes },
        make: ({ minutes, reason, phone, second }) => ({
          do: 'credit',
          scope,
          minutes,
          reason,
          phone,
          second,
        }),
      }
    case 'suspend':
      return { ...base, make: ({ reason }) => ({ do: 'suspend', scope, reason }) }
    case 'resume':
      return { ...base, make: ({ reason }) => ({ do: 'resume', scope, reason }) }
    case 'swap':
    case 'move_number':
      return {
        ...base,
        choice: { label: t('deed.machine'), options: spares, none: t('deed.no_spare'), required: true },
        make: ({ choice, reason }) => ({ do: named, seat_no: seat, device: choice, reason }),
      }
    case 'undo_swap':
    case 'remove':
      return {
        ...base,
        make: (filled) => ({ do: named, seat_no: seat, reason: filled.reason, second: withSecond(filled) }),
      }
    case 'force_hand_in':
      return { ...base, make: ({ reason }) => ({ do: 'force_hand_in', seat_no: seat, reason }) }
    case 'reopen':
      return {
        ...base,
        phone: true,
        make: (filled) => ({
          do: 'reopen',
          seat_no: seat,
          reason: filled.reason,
          phone: filled.phone,
          second: withSecond(filled),
        }),
      }
    case 'out_of_use':
      return {
        ...base,
        make: (filled) => ({
          do: 'out_of_use',
          device: machine?.device ?? '',
          reason: filled.reason,
          second: withSecond(filled),
        }),
      }
    default:
      return named satisfies never
  }
}

/** What an outage can have been, as the proctor confirms or corrects it. */
export const outageCauses: readonly OutageCause[] = [
  'power',
  'crash',
  'lan',
  'device',
  'candidate_left',
  'storage',
  'suspend',
  'clock',
  'staff',
]

/** All outages of one alert, each with the time that it proposes, for one reason. */
export function outagesSpec(alert_no: number, many: number, words: Words): Spec {
  const { t, count } = words
  return {
    test: 'outages',
    title: t('outages.title'),
    means: [count('outages.means', many), t('outages.means_each'), t('decision.recorded')],
    action: t('outages.action'),
    choice: {
      label: t('outage.cause'),
      options: outageCauses.map((each) => ({ value: each, label: t(`outage.${each}`) })),
      none: t('outages.cause_each'),
      required: false,
      first: 'power',
    },
    ready: [outageReason('power', t), outageReason('lan', t), outageReason('device', t)],
    make: ({ choice, reason }) => ({
      do: 'decide_outages',
      alert_no,
      cause: outageCauses.find((each) => each === choice) ?? null,
      reason,
    }),
  }
}

/** The reason that is ready for an outage: what it was, and that the lost time is given back. */
export function outageReason(cause: OutageCause, t: Words['t']): string {
  return t(`outage.reason_${cause}`)
}

export const lostSpan = (outage: PanelOutage): string => shortSpan(outage.to_ms - outage.from_ms)
