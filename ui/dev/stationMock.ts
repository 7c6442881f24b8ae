import type { CodeGroupView } from '../src/bindings.ts'
import type { StationBackend } from '../src/station/backend.ts'
import type { StationAction, StationOutcome, StationPage } from '../src/station-bindings.ts'
import { codeGroup } from './mock.ts'
import { stationScenes } from './stationScenes.ts'

/** Stands in for the station's app: shows one scene, follows what only changes the picture, and does nothing else. */
export class StationMock implements StationBackend {
  current: StationPage
  /** Every action, in order, for tests. */
  readonly asked: StationAction[] = []
  /** The next outcome is this refusal. */
  refuse: string | null = null
  private push: (page: StationPage) => void = () => undefined

  constructor(scene: string) {
    const found = stationScenes[scene]
    if (found === undefined) throw new Error(`there is no scene ${scene}`)
    this.current = structuredClone(found)
  }

  page(): Promise<StationPage> {
    return Promise.resolve(structuredClone(this.current))
  }

  onPage(show: (page: StationPage) => void): Promise<void> {
    this.push = show
    return Promise.resolve()
  }

  /** Shows another page as the app would do by itself. */
  show(page: StationPage): void {
    this.current = { ...structuredClone(page), revision: this.current.revision + 1 }
    this.push(structuredClone(this.current))
  }

  painted(): Promise<void> {
    return Promise.resolve()
  }

  codeGroup(_index: number, typed: string): Promise<CodeGroupView> {
    return Promise.resolve(codeGroup(typed))
  }

  act(action: StationAction): Promise<StationOutcome> {
    this.asked.push(action)
    const { screen } = this.current
    if (screen.name === 'station' && this.refuse === null) {
      const data = screen.data
      if (action.do === 'tab') data.tab = action.tab
      else if (action.do === 'filter') data.room.filter = action.filter
      else if (action.do === 'select') data.sitting_no = action.sitting_no
      else if (action.do === 'open_seat') data.room.panel = this.panelOf(action.seat_no)
    }
    const refused = this.refuse === null ? null : { code: this.refuse, args: {} }
    this.refuse = null
    this.current = { ...this.current, revision: this.current.revision + 1 }
    return Promise.resolve({ page: structuredClone(this.current), refused })
  }

  private panelOf(seat_no: number | null) {
    const { screen } = this.current
    const tile = screen.name === 'station' && screen.data.room.tiles.find((each) => each.seat_no === seat_no)
    const model = stationScenes['station-room']?.screen
    if (!tile || model?.name !== 'station' || model.data.room.panel === null) return null
    const panel = structuredClone(model.data.room.panel)
    if (panel.candidate !== null && tile.name !== null) panel.candidate.name = tile.name
    return {
      ...panel,
      seat_no: tile.seat_no,
      machine: tile.machine,
      state: tile.state,
      answered: tile.answered,
      candidate: tile.name === null ? null : panel.candidate,
      trouble: null,
      progress: tile.progress,
    }
  }
}
