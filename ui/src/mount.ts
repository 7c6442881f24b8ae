import { createApp, type App } from 'vue'
import type { Backend } from './backend.ts'
import { followLockdown } from './lockdown.ts'
import { followPreferences } from './preferences.ts'
import Page from './Page.vue'
import { terminalKey, Terminal } from './terminal.ts'
import { words } from './words/index.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/forms.css'
import './styles/candidate.css'
import './styles/checkin.css'
import './styles/exam.css'
import './styles/sheet.css'
import './styles/leaving.css'

/** Shows the page in `place`, fed by `backend`. */
export async function mount(backend: Backend, place: string | Element): Promise<App> {
  const terminal = new Terminal(backend)
  const page = createApp(Page)
  page.provide(terminalKey, terminal)
  page.use(words)
  followPreferences(terminal)
  followLockdown(terminal)
  await terminal.connect()
  page.mount(place)
  void reportPictures(backend)
  return page
}

const reportEvery = 5_000

/** Says so once a screen has been painted, and again every few seconds. */
async function reportPictures(backend: Backend): Promise<void> {
  const screen = () => document.querySelector('[data-screen]:not([data-screen="none"]) > *')
  while (screen() === null) await nextPicture()
  await nextPicture()
  // An app that does not answer has nobody to tell; the next report finds out whether it does again.
  await backend.painted().catch(() => undefined)
  setTimeout(() => void reportPictures(backend), reportEvery)
}

/** A window that nobody can see paints nothing, and must not wait for it. */
function nextPicture(): Promise<void> {
  return new Promise((resolve) => {
    const hidden = document.visibilityState === 'hidden'
    if (hidden) setTimeout(resolve, 100)
    else requestAnimationFrame(() => setTimeout(resolve))
  })
}
