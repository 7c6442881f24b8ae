import type { SittingTrack } from '../station-bindings.ts'
import { siteTime } from '../clock.ts'
import type { StationKey } from './words.ts'

/** 上午场, 下午场, 晚上场 or 补考, by the hour at which it starts on the site's clock. */
export function sittingName(sitting: SittingTrack, offsetMin: number): StationKey {
  if (sitting.makeup) return 'sitting_name.makeup'
  const hour = Number(siteTime(sitting.start_ms, offsetMin).minute.split(':')[0])
  if (hour < 12) return 'sitting_name.morning'
  return hour < 18 ? 'sitting_name.afternoon' : 'sitting_name.evening'
}
