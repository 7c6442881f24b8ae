import './frozen.ts'
import { mount } from '../src/mount.ts'
import { contrast, leftHanded, staffContrast } from '../src/preferences.ts'
import { words } from '../src/words/index.ts'
import { mountStation } from '../src/station/mount.ts'
import { Mock } from './mock.ts'
import { StationMock } from './stationMock.ts'

// ?scene=exam&lang=en&contrast&type=7K3MW,Q09R4 shows one screen; see scenes.ts.
const asked = new URLSearchParams(location.search)
if (asked.get('lang') === 'en') words.global.locale.value = 'en'
contrast.value = staffContrast.value = asked.has('contrast')
leftHanded.value = asked.has('left')
const scene = asked.get('scene') ?? 'standby'
if (scene.startsWith('station-')) await mountStation(new StationMock(scene), '#app')
else await mount(new Mock(scene), '#app')

const groups = asked.get('type')?.split(',') ?? []
if (groups.length > 0) {
  // The desk is a part of its own and comes a little later than the page.
  const type = () => {
    const first = document.querySelector<HTMLInputElement>('[data-test="group-0"]')
    if (first === null) return void requestAnimationFrame(type)
    groups.forEach((text, index) => {
      const field = document.querySelector<HTMLInputElement>(`[data-test="group-${index}"]`)
      if (field === null) return
      field.focus()
      field.value = text
      field.dispatchEvent(new Event('input', { bubbles: true }))
    })
  }
  type()
}
// ?click=room-menu,room-end presses one after the other, as soon as each is there.
const clicks = asked.get('click')?.split(',') ?? []
const press = () => {
  const [test] = clicks
  if (test === undefined) return
  const button = document.querySelector<HTMLElement>(`[data-test="${test}"]`)
  if (button !== null) {
    button.click()
    clicks.shift()
  }
  requestAnimationFrame(press)
}
press()
