import axe from 'axe-core'
import { afterEach, describe, expect, it } from 'vitest'
import { scenes } from '../dev/scenes.ts'
import { words } from '../src/words/index.ts'
import { show } from './page.ts'

afterEach(() => (words.global.locale.value = 'zh-CN'))

// Colours are not computed without a renderer; tokens.test.ts measures them.
const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } }

describe.each(Object.keys(scenes))('%s', (scene) => {
  it('can be used without seeing it, in both languages', async () => {
    for (const language of ['zh-CN', 'en'] as const) {
      words.global.locale.value = language
      const page = await show(scene)
      const { violations } = await axe.run(page.container, { rules })
      expect(
        violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join('\n')}`),
      ).toEqual([])
      page.unmount()
    }
  })

  it('names its screen and everything that can be pressed', async () => {
    const page = await show(scene)
    const screen = scenes[scene]?.screen.name
    expect(page.container.querySelector('[data-screen]')?.getAttribute('data-screen')).toBe(screen)
    const unnamed = [...page.container.querySelectorAll('button:not([data-test]):not(.chip)')]
    expect(unnamed.map((button) => button.outerHTML)).toEqual([])
    expect(page.container.innerHTML).not.toMatch(/code\.|undefined|\{\w+\}|NaN/)
    expect(page.container.querySelector('[style]')).toBeNull()
  })

  it('has one blue action at most', async () => {
    const page = await show(scene)
    expect(page.container.querySelectorAll('.button[data-kind="primary"]').length).toBeLessThanOrEqual(2)
    const pressable = page.container.querySelectorAll('.button[data-kind="primary"]:not([aria-disabled])')
    expect(pressable.length).toBeLessThanOrEqual(1)
  })
})

it('says what nobody foresaw without a code to a candidate, and with it to staff', async () => {
  const candidate = await show('identify')
  candidate.mock.refuse = 'no.such_code'
  await candidate.terminal.candidate({ do: 'identify', number: '123456' })
  await Promise.resolve()
  expect(candidate.at('banner').textContent).not.toContain('no.such_code')
  candidate.unmount()
  const staff = await show('desk-papers')
  staff.mock.refuse = 'no.such_code'
  await staff.terminal.desk({ do: 'pull' })
  await Promise.resolve()
  expect(staff.at('banner').textContent).toContain('no.such_code')
})
