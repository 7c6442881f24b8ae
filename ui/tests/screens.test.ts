import axe from 'axe-core'
import { afterEach, describe, expect, it } from 'vitest'
import { scenes } from '../dev/scenes.ts'
import { words } from '../src/words/index.ts'
import { show, until } from './page.ts'

afterEach(() => (words.global.locale.value = 'zh-CN'))

// Colours are not computed without a renderer; tokens.test.ts measures them.
const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } }

describe.each(Object.keys(scenes))('%s', (scene) => {
  // A long one has the same parts as the scene that it lengthens.
  it.skipIf(scene.startsWith('long-'))('can be used without seeing it, in both languages', async () => {
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

it('names everything on the screen of a stopped program in words', async () => {
  const page = await show('broken')
  const terms = [...page.container.querySelectorAll('dt')].map((term) => term.textContent?.trim())
  expect(terms).toEqual(['代码', '数据文件夹', '技术说明', '考试机', '版本'])
  const screen = page.mock.current.screen
  if (screen.name !== 'broken') throw new Error('another screen')
  screen.data.args = { inode: '7' }
  page.mock.show(page.mock.current)
  await until(() => page.container.textContent?.includes('另外') === true)
  expect(page.container.textContent).not.toContain('inode')
})

it('labels the way to the staff in words', async () => {
  for (const scene of ['standby', 'exam', 'waiting']) {
    const page = await show(scene)
    expect(page.at('open-desk').textContent).toContain('工作人员')
    page.unmount()
  }
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
