import { createApp, watchEffect, type App } from 'vue'
import { followLockdown } from '../lockdown.ts'
import { machineKey } from '../machine.ts'
import { reportPictures } from '../painted.ts'
import { staffContrast } from '../preferences.ts'
import { words } from '../words/index.ts'
import type { StationBackend } from './backend.ts'
import { Station, stationKey } from './station.ts'
import StationApp from './StationApp.vue'
import { addStationWords } from './words.ts'
import '../styles/tokens.css'
import '../styles/base.css'
import '../styles/forms.css'
import '../styles/staff.css'
import '../styles/room.css'
import '../styles/seat.css'
import '../styles/panel.css'
import '../styles/roomtabs.css'
import '../styles/print.css'

/** Shows the station's page in `place`, fed by `backend`. */
export async function mountStation(backend: StationBackend, place: string | Element): Promise<App> {
  const station = new Station(backend)
  addStationWords()
  const page = createApp(StationApp)
  page.provide(stationKey, station)
  page.provide(machineKey, station)
  page.use(words)
  const root = document.documentElement
  watchEffect(() => {
    if (staffContrast.value) root.dataset['theme'] = 'contrast'
    else delete root.dataset['theme']
  })
  watchEffect(() => root.setAttribute('lang', words.global.locale.value))
  followLockdown({ candidate: () => false, prints: true })
  await station.connect()
  page.mount(place)
  void reportPictures(backend)
  return page
}
