import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import type { CandidateAction, CodeGroupView, DeskAction, Outcome, SeatAction, View } from './bindings.ts'

/** What a window was opened as. */
export type WindowRole = 'terminal' | 'station'

/** What the page may ask of the app. One method a side, because each side gets only what it may do. */
export interface Backend {
  view(): Promise<View>
  candidate(action: CandidateAction): Promise<Outcome>
  seat(action: SeatAction): Promise<Outcome>
  desk(action: DeskAction): Promise<Outcome>
  /** Checks one group of the authorization code while it is typed; `index` from 0. */
  codeGroup(index: number, typed: string): Promise<CodeGroupView>
  /** Tells that the page has just been painted. An app that is not told for long loads the page again. */
  painted(): Promise<void>
  /** Calls `show` with every view that the app pushes by itself. */
  onView(show: (view: View) => void): Promise<void>
}

export const app: Backend & { role(): Promise<WindowRole> } = {
  // An app that does not know the question is a terminal's.
  role: () => invoke<WindowRole>('role').catch(() => 'terminal' as const),
  view: () => invoke<View>('view'),
  candidate: (action) => invoke<Outcome>('candidate', { action }),
  seat: (action) => invoke<Outcome>('seat', { action }),
  desk: (action) => invoke<Outcome>('desk', { action }),
  codeGroup: (index, typed) => invoke<CodeGroupView>('code_group', { index, typed }),
  painted: () => invoke('painted'),
  onView: async (show) => {
    await listen<View>('view', (event) => show(event.payload))
  },
}
