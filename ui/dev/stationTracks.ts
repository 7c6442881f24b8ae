import type { DeskView } from '../src/bindings.ts'
import type { SittingStepName, SittingTrack, TrackState } from '../src/station-bindings.ts'
import { start } from './examScenes.ts'
import { scenes } from './scenes.ts'

const minute = 60_000
export const desk = scenes['desk-papers']?.screen.data as DeskView
export const sittingNo = desk.papers.held[0]?.sitting_no ?? 'S'

export const order: readonly SittingStepName[] = ['entry', 'unlock', 'start', 'running', 'end', 'submit']
export function track(current: SittingStepName, over: Partial<SittingTrack> = {}): SittingTrack {
  const at = order.indexOf(current)
  const times: Partial<Record<SittingStepName, number>> = {
    entry: start - 30 * minute,
    unlock: start - 14 * minute,
    start,
  }
  const state = (index: number): TrackState => (index < at ? 'done' : index === at ? 'current' : 'ahead')
  return {
    sitting_no: sittingNo,
    makeup: false,
    start_ms: start,
    postponed_ms: 0,
    steps: order.map((step, index) => ({
      step,
      state: state(index),
      at_ms: index <= at || step === 'start' ? (times[step] ?? null) : null,
    })),
    ...over,
  }
}
