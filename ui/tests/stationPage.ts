import { cleanup, render, type RenderResult } from '@testing-library/vue'
import { afterEach } from 'vitest'
import { StationMock } from '../dev/stationMock.ts'
import { machineKey } from '../src/machine.ts'
import { Station, stationKey } from '../src/station/station.ts'
import StationApp from '../src/station/StationApp.vue'
import { addStationWords } from '../src/station/words.ts'
import { words } from '../src/words/index.ts'

afterEach(cleanup)
addStationWords()

export interface ShownStation extends RenderResult {
  mock: StationMock
  station: Station
  /** The element with this `data-test`. */
  at(test: string): HTMLElement
  maybe(test: string): HTMLElement | null
}

/** The station's page with one scene on it. */
export async function showStation(scene: string): Promise<ShownStation> {
  const mock = new StationMock(scene)
  const station = new Station(mock)
  await station.connect()
  const provide = { [stationKey as symbol]: station, [machineKey as symbol]: station }
  const page = render(StationApp, { global: { plugins: [words], provide } })
  const maybe = (test: string) => page.container.querySelector<HTMLElement>(`[data-test="${test}"]`)
  const at = (test: string) => {
    const found = maybe(test)
    if (found === null) throw new Error(`nothing has data-test="${test}"`)
    return found
  }
  return { ...page, mock, station, at, maybe }
}
