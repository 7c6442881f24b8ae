import {
  computed,
  inject,
  nextTick,
  shallowRef,
  type ComputedRef,
  type InjectionKey,
  type ShallowRef,
} from 'vue'
import type { Backend } from './backend.ts'
import type {
  CandidateAction,
  ClockView,
  CodeGroupView,
  DeskAction,
  LinkState,
  Notice,
  Outcome,
  Refused,
  SeatAction,
  View,
} from './bindings.ts'
import type { Machine, MachineAction } from './machine.ts'

/** What the page knows: the newest view, when it came, and the last refusal. It never holds an answer. */
export class Terminal implements Machine {
  readonly view: ShallowRef<View | null> = shallowRef(null)
  /** Why the last action was refused; gone with the next action or the next screen. */
  readonly refused: ShallowRef<Refused | null> = shallowRef(null)
  /** Number of desk and seat actions on their way, so that a form can wait. */
  readonly busy: ShallowRef<number> = shallowRef(0)
  /** `performance.now()` when the newest view came; the exam clock runs on from there. */
  private received = 0
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  async connect(): Promise<void> {
    await this.backend.onView((view) => this.accept(view))
    try {
      this.accept(await this.backend.view())
    } catch {
      this.refused.value = { code: 'page.no_answer', args: {} }
    }
  }

  /** Exam time in milliseconds at this moment, or 0 before the first view. */
  examNow(): number {
    const view = this.view.value
    return view === null ? 0 : view.clock.exam_ms + (performance.now() - this.received)
  }

  /** True when the action was carried out. */
  candidate(action: CandidateAction): Promise<boolean> {
    return this.ask(() => this.backend.candidate(action))
  }

  seat(action: SeatAction): Promise<boolean> {
    return this.ask(() => this.backend.seat(action), true)
  }

  desk(action: DeskAction): Promise<boolean> {
    return this.ask(() => this.backend.desk(action), true)
  }

  codeGroup(index: number, typed: string): Promise<CodeGroupView> {
    return this.backend.codeGroup(index, typed)
  }

  get clock(): ClockView | null {
    return this.view.value?.clock ?? null
  }

  get banner(): Notice | null {
    return this.view.value?.banner ?? null
  }

  get link(): LinkState | null {
    return this.view.value?.device.link ?? null
  }

  get about(): { name: string; version: string } {
    const device = this.view.value?.device
    return { name: device?.device_name ?? '', version: device?.version ?? '' }
  }

  get mayWork(): boolean {
    return true
  }

  work(action: MachineAction): Promise<boolean> {
    return this.desk(action)
  }

  logIn(staffId: string, password: string): Promise<boolean> {
    return this.seat({ do: 'log_in', staff_id: staffId, password })
  }

  enrol(name: string): Promise<boolean> {
    return this.desk({ do: 'enrol', device_name: name })
  }

  enrolByStick(name: string, folder: string): Promise<boolean> {
    return this.desk({ do: 'enrol_by_stick', device_name: name, folder })
  }

  private async ask(send: () => Promise<Outcome>, counted = false): Promise<boolean> {
    this.refused.value = null
    if (counted) this.busy.value += 1
    try {
      const outcome = await send()
      this.accept(outcome.view)
      this.refused.value = outcome.refused
      return outcome.refused === null
    } catch {
      this.refused.value = { code: 'page.no_answer', args: {} }
      return false
    } finally {
      if (counted) this.busy.value -= 1
    }
  }

  /** A view that was made earlier than the one on screen, or is the same one, is dropped. */
  private accept(view: View): void {
    const shown = this.view.value
    if (shown !== null && view.revision <= shown.revision) return
    if (shown !== null && view.screen.name !== shown.screen.name) this.refused.value = null
    this.received = performance.now()
    this.view.value = view
  }
}

export const terminalKey: InjectionKey<Terminal> = Symbol('terminal')

export function useTerminal(): Terminal {
  const terminal = inject(terminalKey)
  if (terminal === undefined) throw new Error('the page was mounted without its terminal')
  return terminal
}

/** The newest view; only for parts that are shown after the first one came. */
export function useView(): ComputedRef<View> {
  const terminal = useTerminal()
  return computed(() => {
    const view = terminal.view.value
    if (view === null) throw new Error('there is no view yet')
    return view
  })
}

/**
 * For the benchmark: notes the time from `event` to the frame that painted its consequence, once the page is
 * drawn. Costs nothing where no measurement runs.
 */
export async function measureAck(event: Event): Promise<void> {
  const marks = window.__fjAck
  if (marks === undefined) return
  await nextTick()
  requestAnimationFrame(() => {
    const painted = new MessageChannel()
    painted.port1.onmessage = () => marks.push(performance.now() - event.timeStamp)
    painted.port2.postMessage(null)
  })
}
