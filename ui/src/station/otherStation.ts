import type { OtherStation, StationPage } from '../station-bindings.ts'
import type { useStationWords } from './words.ts'

type Words = ReturnType<typeof useStationWords>

/** How well one station follows the other, in a few words for the bar. */
export function copyInShort(other: OtherStation, page: StationPage, words: Words): string {
  const side = page.station.standing === 'commanding' ? 'follower' : 'leader'
  return words.t(`copy.${side}_${other.copy}`, {
    seconds: other.behind_s,
    time: other.since_ms === null ? '' : words.minuteOf(other.since_ms),
  })
}

/** The same for whoever stands at a station that does not command, in whole sentences. */
export function copyInFull(page: StationPage, words: Words): string {
  const { t, minuteOf } = words
  const room = page.station.room_name
  const [other] = [...page.station.others].sort((a, b) => Number(b.commands) - Number(a.commands))
  if (other === undefined) return t('acting.copy_none')
  const name = other.hub_name
  if (other.copy === 'lost')
    return t('acting.copy_lost', {
      name,
      room,
      time: other.since_ms === null ? '' : minuteOf(other.since_ms),
    })
  if (!other.commands) return t('acting.copy_idle', { name, room })
  return t(`acting.copy_${other.copy}`, { name, seconds: other.behind_s })
}
