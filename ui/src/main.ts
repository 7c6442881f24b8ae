import { app } from './backend.ts'
import { mount } from './mount.ts'

// A terminal's page is here already and goes on at once; only the station's window loads the station's part.
if ((await app.role()) === 'station') {
  const [{ stationApp }, { mountStation }] = await Promise.all([
    import('./station/backend.ts'),
    import('./station/mount.ts'),
  ])
  await mountStation(stationApp, '#app')
} else {
  await mount(app, '#app')
}
