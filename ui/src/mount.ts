import { createApp, type App } from 'vue'
import type { Backend } from './backend.ts'
import { followLockdown } from './lockdown.ts'
import { machineKey } from './machine.ts'
import { reportPictures } from './painted.ts'
import { followPreferences, isCandidateScreen } from './preferences.ts'
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
  page.provide(machineKey, terminal)
  page.use(words)
  followPreferences(terminal)
  followLockdown({ candidate: () => isCandidateScreen(terminal.view.value?.screen.name), prints: false })
  await terminal.connect()
  page.mount(place)
  void reportPictures(backend)
  return page
}
