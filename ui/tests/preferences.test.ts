import { fireEvent } from '@testing-library/vue'
import { afterEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { scenes } from '../dev/scenes.ts'
import { contrast, followPreferences, staffContrast } from '../src/preferences.ts'
import { show, until, type Shown } from './page.ts'

afterEach(() => (contrast.value = staffContrast.value = false))

const theme = () => document.documentElement.dataset['theme']

async function next(page: Shown, scene: string): Promise<void> {
  const view = scenes[scene]
  if (view === undefined) throw new Error(`no scene ${scene}`)
  page.mock.show(view)
  await nextTick()
}

describe('high contrast', () => {
  it('is the choice of the candidate, and ends when the next one comes', async () => {
    const page = await show('exam')
    followPreferences(page.terminal)
    await fireEvent.click(page.at('contrast'))
    expect(theme()).toBe('contrast')
    await next(page, 'handed-in')
    expect(theme()).toBe('contrast')
    await next(page, 'standby')
    expect(theme()).toBeUndefined()
  })

  it('is chosen apart by staff, at the log-in or at the desk', async () => {
    const page = await show('log-in')
    await until(() => page.maybe('staff-contrast') !== null)
    followPreferences(page.terminal)
    await fireEvent.click(page.at('staff-contrast'))
    expect(theme()).toBe('contrast')
    await next(page, 'desk-papers')
    await until(() => page.maybe('log-out') !== null)
    expect(theme()).toBe('contrast')
    expect(page.at('staff-contrast').getAttribute('aria-pressed')).toBe('true')
    await next(page, 'exam')
    expect(theme()).toBeUndefined()
    await next(page, 'desk-papers')
    await until(() => page.maybe('staff-contrast') !== null)
    await fireEvent.click(page.at('staff-contrast'))
    expect(theme()).toBeUndefined()
  })
})
