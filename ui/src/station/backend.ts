import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import type { CodeGroupView } from '../bindings.ts'
import type { StationAction, StationOutcome, StationPage } from '../station-bindings.ts'

/** What the station's page may ask of the app. */
export interface StationBackend {
  page(): Promise<StationPage>
  act(action: StationAction): Promise<StationOutcome>
  /** Checks one group of the authorization code while it is typed; `index` from 0. */
  codeGroup(index: number, typed: string): Promise<CodeGroupView>
  /** Tells that the page has just been painted. */
  painted(): Promise<void>
  /** Calls `show` with every page that the app pushes by itself. */
  onPage(show: (page: StationPage) => void): Promise<void>
}

export const stationApp: StationBackend = {
  page: () => invoke<StationPage>('station_page'),
  act: (action) => invoke<StationOutcome>('station_action', { action }),
  codeGroup: (index, typed) => invoke<CodeGroupView>('code_group', { index, typed }),
  painted: () => invoke('painted'),
  onPage: async (show) => {
    await listen<StationPage>('station', (event) => show(event.payload))
  },
}
