import { computed, inject, shallowRef, type ComputedRef, type InjectionKey, type ShallowRef } from 'vue'
import type { ClockView, CodeGroupView, LinkState, Notice, Refused } from '../bindings.ts'
import type { Machine, MachineAction } from '../machine.ts'
import type { StationAction, StationOutcome, StationPage, StationView } from '../station-bindings.ts'
import type { StationBackend } from './backend.ts'

/** Why nobody can act at this page now. Everything goes on being shown. */
export type ActingBlocked = 'stopped' | 'standby' | 'locked' | 'nobody'

const saidByActing: ReadonlySet<string> = new Set(['station.standby', 'station.stopped', 'station.locked'])

/** What the station's page knows: the newest picture of the room, when it came, and the last refusal. */
export class Station implements Machine {
  readonly page: ShallowRef<StationPage | null> = shallowRef(null)
  readonly refused: ShallowRef<Refused | null> = shallowRef(null)
  readonly busy: ShallowRef<number> = shallowRef(0)
  readonly blocked: ComputedRef<ActingBlocked | null> = computed(() => this.whyBlocked())
  /** `performance.now()` when the newest page came; the exam clock runs on from there. */
  private received = 0
  private readonly backend: StationBackend

  constructor(backend: StationBackend) {
    this.backend = backend
  }

  async connect(): Promise<void> {
    await this.backend.onPage((page) => this.accept(page))
    try {
      this.accept(await this.backend.page())
    } catch {
      this.refused.value = { code: 'page.no_answer', args: {} }
    }
  }

  get clock(): ClockView | null {
    return this.page.value?.clock ?? null
  }

  /** Who may act is said in a line of its own, with the way out. */
  get banner(): Notice | null {
    const banner = this.page.value?.banner ?? null
    return banner !== null && saidByActing.has(banner.code) ? null : banner
  }

  get link(): LinkState | null {
    return this.page.value?.station.center ?? null
  }

  get about(): { name: string; version: string } {
    const facts = this.page.value?.station
    return { name: facts?.hub_name ?? '', version: facts?.version ?? '' }
  }

  get mayWork(): boolean {
    return this.blocked.value === null
  }

  examNow(): number {
    const page = this.page.value
    return page === null ? 0 : page.clock.exam_ms + (performance.now() - this.received)
  }

  /** True when the action was carried out. */
  async act(action: StationAction): Promise<boolean> {
    this.refused.value = null
    this.busy.value += 1
    try {
      const outcome: StationOutcome = await this.backend.act(action)
      this.accept(outcome.page)
      this.refused.value = outcome.refused
      return outcome.refused === null
    } catch {
      this.refused.value = { code: 'page.no_answer', args: {} }
      return false
    } finally {
      this.busy.value -= 1
    }
  }

  /** Nobody waits for what only changes the picture. */
  show(action: Extract<StationAction, { do: 'tab' | 'filter' | 'open_seat' | 'select' }>): void {
    void this.act(action)
  }

  codeGroup(index: number, typed: string): Promise<CodeGroupView> {
    return this.backend.codeGroup(index, typed)
  }

  work(action: MachineAction): Promise<boolean> {
    return this.act(action)
  }

  logIn(staffId: string, password: string): Promise<boolean> {
    return this.act({ do: 'log_in', staff_id: staffId, password })
  }

  enrol(name: string): Promise<boolean> {
    return this.act({ do: 'enrol', hub_name: name })
  }

  enrolByStick(name: string, folder: string): Promise<boolean> {
    return this.act({ do: 'enrol_by_stick', hub_name: name, folder })
  }

  private whyBlocked(): ActingBlocked | null {
    const page = this.page.value
    if (page === null || page.screen.name !== 'station') return 'nobody'
    if (page.station.standing !== 'commanding') return page.station.standing
    if (page.station.idle_locked) return 'locked'
    // Before the first papers nobody is known here: whoever sits here pulls them.
    const known = page.screen.data.log.staff.length > 0
    return page.screen.data.user === null && known ? 'nobody' : null
  }

  /** A page that was made earlier than the one on screen, or is the same one, is dropped. */
  private accept(page: StationPage): void {
    const shown = this.page.value
    if (shown !== null && page.revision <= shown.revision) return
    if (shown !== null && page.screen.name !== shown.screen.name) this.refused.value = null
    this.received = performance.now()
    this.page.value = page
  }
}

export const stationKey: InjectionKey<Station> = Symbol('station')

export function useStation(): Station {
  const station = inject(stationKey)
  if (station === undefined) throw new Error('the page was mounted without its station')
  return station
}

/** The newest page; only for parts that are shown after the first one came. */
export function useStationPage(): ComputedRef<StationPage> {
  const station = useStation()
  return computed(() => {
    const page = station.page.value
    if (page === null) throw new Error('there is no page yet')
    return page
  })
}

/** The room, wherever a part is shown that only the room's page has. */
export function useRoom(): ComputedRef<StationView> {
  const page = useStationPage()
  return computed(() => {
    const { screen } = page.value
    if (screen.name !== 'station') throw new Error('the room is not on screen')
    return screen.data
  })
}

/** Address of a picture: the app names it by its path; fixtures bring whole addresses. */
export function pictureAt(path: string): string {
  return path.includes(':') ? path : `paper://localhost/${path.replace(/^\/+/, '')}`
}
