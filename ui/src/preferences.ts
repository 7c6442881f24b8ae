import { ref, watch, watchEffect } from 'vue'
import type { Screen } from './bindings.ts'
import type { Terminal } from './terminal.ts'
import { words } from './words/index.ts'

/** How the page looks and listens for the person in front of it. Nothing of it is kept. */
export const contrast = ref(false)
/** Staff have their own: what a candidate chose never follows them to the desk, nor the other way round. */
export const staffContrast = ref(false)
export const leftHanded = ref(false)

const atTheDesk: ReadonlySet<Screen['name']> = new Set(['enrol', 'log_in', 'desk', 'broken'])

export function isCandidateScreen(name: Screen['name'] | undefined): boolean {
  return name !== undefined && !atTheDesk.has(name)
}

/** Puts the preferences on the document, and takes them back when a candidate has left. */
export function followPreferences(terminal: Terminal): void {
  const root = document.documentElement
  watchEffect(() => {
    const candidate = isCandidateScreen(terminal.view.value?.screen.name)
    if ((candidate ? contrast : staffContrast).value) root.dataset['theme'] = 'contrast'
    else delete root.dataset['theme']
  })
  watchEffect(() => root.setAttribute('lang', words.global.locale.value))
  watch(
    () => terminal.view.value?.screen.name,
    (now, before) => {
      const left = before === 'handed_in' || before === 'not_sitting'
      if (now !== 'standby' || !left) return
      contrast.value = false
      leftHanded.value = false
      words.global.locale.value = 'zh-CN'
    },
  )
}
