import { cleanup, render, type RenderResult } from '@testing-library/vue'
import { afterEach } from 'vitest'
import { nextTick } from 'vue'
import { Mock } from '../dev/mock.ts'
import Page from '../src/Page.vue'
import { machineKey } from '../src/machine.ts'
import { Terminal, terminalKey } from '../src/terminal.ts'
import { words } from '../src/words/index.ts'

afterEach(cleanup)

// The staff's part is loaded when it is first shown; here it is there already.
await Promise.all([
  import('../src/desk/DeskScreen.vue'),
  import('../src/desk/EnrolScreen.vue'),
  import('../src/desk/LogInScreen.vue'),
])

export interface Shown extends RenderResult {
  mock: Mock
  terminal: Terminal
  /** The element with this `data-test`. */
  at(test: string): HTMLElement
  maybe(test: string): HTMLElement | null
}

/** The page with one scene on it, once its lazy part has come. */
export async function show(scene: string): Promise<Shown> {
  const mock = new Mock(scene)
  const terminal = new Terminal(mock)
  await terminal.connect()
  const provide = { [terminalKey as symbol]: terminal, [machineKey as symbol]: terminal }
  const page = render(Page, { global: { plugins: [words], provide } })
  await until(() => page.container.querySelector('[data-screen] > *') !== null)
  const maybe = (test: string) => page.container.querySelector<HTMLElement>(`[data-test="${test}"]`)
  const at = (test: string) => {
    const found = maybe(test)
    if (found === null) throw new Error(`nothing has data-test="${test}"`)
    return found
  }
  return { ...page, mock, terminal, at, maybe }
}

/** Waits until a condition holds, five seconds at most. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 5000; performance.now() < end;) {
    if (holds()) return
    await nextTick()
    await new Promise((done) => setImmediate(done))
  }
  throw new Error('the condition never held')
}
