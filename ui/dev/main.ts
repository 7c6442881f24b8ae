import './frozen.ts'
import { mount } from '../src/mount.ts'
import { contrast, leftHanded, staffContrast } from '../src/preferences.ts'
import { words } from '../src/words/index.ts'
import { Mock } from './mock.ts'

// ?scene=exam&lang=en&contrast&type=7K3MW,Q09R4 shows one screen; see scenes.ts.
const asked = new URLSearchParams(location.search)
if (asked.get('lang') === 'en') words.global.locale.value = 'en'
contrast.value = staffContrast.value = asked.has('contrast')
leftHanded.value = asked.has('left')
await mount(new Mock(asked.get('scene') ?? 'standby'), '#app')

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
const click = asked.get('click')
if (click !== null) {
  const press = () => {
    const button = document.querySelector<HTMLElement>(`[data-test="${click}"]`)
    if (button === null) requestAnimationFrame(press)
    else button.click()
  }
  press()
}
