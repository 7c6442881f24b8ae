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
  return page
}
