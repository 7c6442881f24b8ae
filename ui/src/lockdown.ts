import { leftHanded } from './preferences.ts'

const functionKeys = new Set(['F1', 'F3', 'F5', 'F6', 'F7', 'F10', 'F11', 'F12'])
const withControl = new Set('abdefghijklnoprstuw+-=0'.split(''))
const editable = 'input, textarea'

/** True for keys that would reload, zoom, print, search, open, save, select or inspect. */
export function isForbiddenKey(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase()
  const inField = event.target instanceof Element && event.target.matches(editable)
  if (functionKeys.has(event.key) || event.key === 'ContextMenu') return true
  if (event.key === 'Backspace') return !inField
  if (event.altKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight' || event.key === 'Home'))
    return true
  if (event.ctrlKey || event.metaKey) return withControl.has(key) && !(inField && key === 'a')
  return false
}

interface Lockdown {
  /** True while a candidate sits in front of the page. */
  candidate: () => boolean
  prints: boolean
}

/** Switches the window's own shortcuts off. The operating system is locked elsewhere; this keeps the page itself quiet. */
export function followLockdown({ candidate, prints }: Lockdown): void {
  const refuse = (event: Event) => event.preventDefault()
  const options = { capture: true, passive: false }

  for (const name of ['contextmenu', 'dragstart', 'dragover', 'drop', 'auxclick', 'gesturestart']) {
    window.addEventListener(name, refuse, options)
  }
  window.addEventListener('keydown', (event) => isForbiddenKey(event) && event.preventDefault(), options)
  window.addEventListener('wheel', (event) => event.ctrlKey && event.preventDefault(), options)
  window.addEventListener('selectstart', (event) => {
    const inField = event.target instanceof Element && event.target.matches(editable)
    if (candidate() && !inField) event.preventDefault()
  })
  for (const name of ['copy', 'cut'] as const) {
    window.addEventListener(name, (event) => candidate() && event.preventDefault())
  }
  window.open = () => null
  // The station prints its door list, by its own button.
  if (!prints) window.print = () => undefined
  followSecondButton(candidate)
}

/** With the left-handed switch on, the other mouse button clicks too, on the candidate's screens. */
function followSecondButton(candidate: () => boolean): void {
  let pressed: Element | null = null
  const actionable = (event: MouseEvent) =>
    event.target instanceof Element ? event.target.closest('button, input, label') : null
  window.addEventListener('mousedown', (event) => {
    pressed = event.button === 2 ? actionable(event) : null
  })
  window.addEventListener('mouseup', (event) => {
    if (event.button !== 2 || !leftHanded.value || !candidate()) return
    const released = actionable(event)
    if (released instanceof HTMLElement && released === pressed) {
      released.focus()
      released.click()
    }
  })
}
