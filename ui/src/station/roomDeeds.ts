import type { ActionScope, StationPage, StationView } from '../station-bindings.ts'
import { isSitting } from './seatLook.ts'
import type { Choice, Spec } from './decision.ts'
import type { useStationWords } from './words.ts'

type Words = ReturnType<typeof useStationWords>

/** The classes of the sitting that the page works on. */
function classes(room: StationView): Choice[] {
  const held = room.papers.own.held.find((each) => each.sitting_no === room.sitting_no && !each.superseded)
  return (held?.classes ?? []).map((each) => ({ value: each.class_no, label: each.name }))
}

const scopeOf = (choice: string): ActionScope =>
  choice === '' ? { of: 'room' } : { of: 'class', class_no: choice }

function namesOf(
  room: StationView,
  which: (state: StationView['room']['tiles'][number]) => boolean,
  words: Words,
) {
  return room.room.tiles
    .filter(which)
    .map((tile) => words.t('end.named', { seat: tile.seat_no, name: tile.name ?? '' }))
}

/** Start for all, at one moment. Whoever is not confirmed yet is named. */
export function startSpec(room: StationView, words: Words): Spec {
  const { t, count } = words
  const ready = room.room.tiles.filter(
    (tile) => tile.state === 'waiting' || tile.state === 'confirmed',
  ).length
  const late = namesOf(
    room,
    (tile) => tile.name !== null && ['expected', 'arrived', 'checked_in'].includes(tile.state),
    words,
  )
  return {
    test: 'start',
    title: t('start.title'),
    means: [
      count('start.means_ready', ready),
      t('start.means_moment'),
      late.length > 0 ? count('start.means_late', late.length) : t('start.means_all'),
    ],
    names: late,
    action: t('next.start'),
    make: () => ({ do: 'start' }),
  }
}

const isOf = (choice: string) => (tile: StationView['room']['tiles'][number]) =>
  choice === '' || tile.class_no === choice

/** Ending for one class or for all. Whoever still answers there is named, and it is forced only when a person says so. */
export function endSpec(room: StationView, words: Words): Spec {
  const { t, count } = words
  const names = (choice: string) =>
    namesOf(room, (tile) => tile.name !== null && isOf(choice)(tile) && isSitting(tile.state), words)
  const forced = (choice: string) => names(choice).length > 0
  const options = classes(room)
  return {
    test: 'end',
    title: t('end.title'),
    means: (choice) => [
      ...(choice === ''
        ? []
        : [t('end.means_class', { class: options.find((each) => each.value === choice)?.label ?? '' })]),
      forced(choice) ? count('end.means_answering', names(choice).length) : t('end.means_nobody'),
      t(choice === '' ? 'end.means_keys' : 'end.means_others'),
      t('decision.recorded'),
    ],
    names,
    action: (choice) => t(forced(choice) ? 'end.action_forced' : 'end.action'),
    danger: true,
    ready: (choice) =>
      forced(choice) ? [t('end.reason_order')] : [t('end.reason_all_in'), t('end.reason_order')],
    choice:
      options.length > 1
        ? { label: t('end.which'), options, none: t('scope.all_classes'), required: false }
        : undefined,
    checks: (choice) => (forced(choice) ? [t('end.check_forced')] : []),
    make: ({ choice, reason }) => ({
      do: 'end',
      class_no: choice === '' ? null : choice,
      forced: forced(choice),
      reason,
    }),
  }
}

/**
 * One person with a reason: whoever waits for a second one loses the room meanwhile. A station that has never followed
 * the other one has nothing of the room: then there are two.
 */
export function takeOverSpec(page: StationPage, words: Words): Spec {
  const { t } = words
  const alive = page.station.others.find((each) => each.commands && each.copy !== 'lost')
  const blind = page.station.never_followed
  return {
    test: 'take-over',
    title: t('take_over.title', { room: page.station.room_name }),
    means: [
      ...(alive === undefined ? [] : [t('take_over.means_alive', { name: alive.hub_name })]),
      ...(blind ? [t('take_over.means_blind'), t('take_over.means_blind_first')] : []),
      t('take_over.means_terminals'),
      t('take_over.means_other'),
      t('take_over.means_missing'),
      t('take_over.means_code'),
      t('decision.recorded'),
    ],
    action: t('take_over.action'),
    danger: true,
    ready: [t('take_over.reason_dead'), t('take_over.reason_network')],
    second: blind,
    make: ({ reason, second }) => ({ do: 'take_over', reason, second }),
  }
}

const mostPostponed = 240

export function postponeSpec(words: Words): Spec {
  const { t } = words
  return {
    test: 'postpone',
    title: t('postpone.title'),
    means: [t('postpone.means'), t('postpone.means_order'), t('decision.recorded')],
    action: t('postpone.action'),
    ready: [t('postpone.reason_code'), t('postpone.reason_power')],
    minutes: { most: mostPostponed },
    phone: true,
    second: true,
    make: ({ minutes, reason, phone, second }) => ({ do: 'postpone', minutes, reason, phone, second }),
  }
}

export function scopeSpec(deed: 'suspend' | 'resume' | 'credit', room: StationView, words: Words): Spec {
  const { t, count } = words
  const concerned = (choice: string) =>
    room.room.tiles.filter(
      (tile) =>
        isOf(choice)(tile) && (deed === 'resume' ? tile.state === 'suspended' : isSitting(tile.state)),
    ).length
  const options = classes(room)
  const choice =
    options.length > 1
      ? { label: t('scope.which'), options, none: t('scope.room', { n: concerned('') }), required: false }
      : undefined
  const base = {
    test: `room-${deed}`,
    title: t(`room_deed.${deed}`),
    action: t(`room_deed.${deed}`),
    choice,
  }
  switch (deed) {
    case 'suspend':
      return {
        ...base,
        means: (choice) => [count('room_deed.means_suspend', concerned(choice)), t('decision.recorded')],
        danger: true,
        ready: [t('reason.suspend_alarm'), t('reason.suspend_power')],
        make: ({ choice, reason }) => ({ do: 'suspend', scope: scopeOf(choice), reason }),
      }
    case 'resume':
      return {
        ...base,
        means: (choice) => [count('room_deed.means_resume', concerned(choice)), t('decision.recorded')],
        ready: [t('reason.resume')],
        make: ({ choice, reason }) => ({ do: 'resume', scope: scopeOf(choice), reason }),
      }
    case 'credit':
      return {
        ...base,
        means: (choice) => [
          count('room_deed.means_credit', concerned(choice)),
          t('decision.pending'),
          t('decision.recorded'),
        ],
        ready: [t('credit.reason_room'), t('credit.reason_machine')],
        minutes: { most: 120 },
        phone: true,
        second: true,
        make: ({ choice, minutes, reason, phone, second }) => ({
          do: 'credit',
          scope: scopeOf(choice),
          minutes,
          reason,
          phone,
          second,
        }),
      }
    default:
      return deed satisfies never
  }
}

export function patternSpec(words: Words): Spec {
  const { t } = words
  return {
    test: 'pattern',
    title: t('pattern.title'),
    means: [t('pattern.means_picture'), t('pattern.means_person'), t('decision.recorded')],
    action: t('pattern.action'),
    ready: [t('pattern.reason_none'), t('pattern.reason_broken')],
    make: ({ reason }) => ({ do: 'pattern_camera', reason }),
  }
}
