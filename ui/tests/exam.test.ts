import { fireEvent } from '@testing-library/vue'
import { describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import type { Outcome } from '../src/bindings.ts'
import { timeLeft } from '../src/clock.ts'
import { show, until } from './page.ts'

describe('an answer', () => {
  it('is ticked only when the app says that it is durable', async () => {
    const page = await show('exam')
    const send = page.mock.candidate.bind(page.mock)
    let release: () => void = () => undefined
    page.mock.candidate = async (action): Promise<Outcome> => {
      await new Promise<void>((done) => (release = done))
      return send(action)
    }
    await fireEvent.click(page.at('option-2'))
    await until(() => page.at('option-2').dataset['mark'] === 'saving')
    expect(page.at('option-2').getAttribute('aria-checked')).toBe('false')
    expect(page.maybe('saved-2')).toBeNull()
    release()
    await until(() => page.maybe('saved-2') !== null)
    expect(page.at('option-2').getAttribute('aria-checked')).toBe('true')
    expect(page.maybe('saved-1')).toBeNull()
    expect(page.mock.asked).toEqual([{ do: 'choose', position: 77, option: 2 }])
  })

  it('that was refused is not ticked, and the page says so', async () => {
    const page = await show('exam')
    page.mock.refuse = 'store.full'
    await fireEvent.click(page.at('option-0'))
    await until(() => page.at('option-0').dataset['mark'] === 'failed')
    expect(page.at('banner').dataset['code']).toBe('store.full')
    expect(page.maybe('saved-1')).not.toBeNull()
  })

  it('is measured from the click to the frame that paints its tick', async () => {
    const page = await show('exam')
    window.__fjAck = []
    await fireEvent.click(page.at('option-3'))
    await new Promise<void>((done) => requestAnimationFrame(() => done()))
    await until(() => (window.__fjAck ?? []).length === 1)
    expect(window.__fjAck).toHaveLength(1)
    delete window.__fjAck
  })
})

describe('the keyboard', () => {
  it('chooses by digit and letter, flags with F and turns with arrows', async () => {
    const page = await show('exam')
    const press = (code: string, key: string) => fireEvent.keyDown(window, { code, key })
    await press('Digit1', '1')
    await press('KeyD', 'd')
    await press('KeyF', 'f')
    await press('ArrowRight', 'ArrowRight')
    await press('Digit9', '9')
    await until(() => page.mock.asked.length === 4)
    expect(page.mock.asked).toEqual([
      { do: 'choose', position: 77, option: 0 },
      { do: 'choose', position: 77, option: 3 },
      { do: 'flag', position: 77, on: true },
      { do: 'show', position: 78 },
    ])
  })

  it('types numbers on the identification screen, whatever an input method makes of the keys', async () => {
    const page = await show('identify')
    for (const code of ['Digit3', 'Numpad7', 'KeyX'])
      await fireEvent.keyDown(window, { code, key: 'Process' })
    expect(page.at('typed-number').textContent).toBe('37X')
    await fireEvent.keyDown(window, { key: 'Backspace' })
    expect(page.at('typed-number').textContent).toBe('37')
  })
})

describe('handing in', () => {
  it('is not done by a double click', async () => {
    const page = await show('hand-in-confirm')
    await fireEvent.click(page.at('hand-in'), { detail: 2 })
    expect(page.mock.asked).toEqual([])
    await fireEvent.click(page.at('hand-in'), { detail: 1 })
    expect(page.mock.asked).toEqual([{ do: 'hand_in' }])
  })

  it('waits for the earliest moment and says when that is', async () => {
    const page = await show('hand-in-check-many')
    await fireEvent.click(page.at('go-confirm'))
    expect(page.mock.asked).toEqual([])
    expect(page.at('hand-in-why').textContent).toContain('9:30')
  })
})

describe('views', () => {
  it('that were made earlier than the one on screen are dropped', async () => {
    const page = await show('exam')
    const old = structuredClone(page.mock.current)
    page.mock.show({ ...old, banner: { code: 'attempt.suspended', args: {}, tone: 'blue' } })
    await nextTick()
    expect(page.maybe('banner')).not.toBeNull()
    const accept = page.mock as unknown as { push: (view: typeof old) => void }
    accept.push(old)
    await nextTick()
    expect(page.maybe('banner')).not.toBeNull()
  })
})

describe('the remaining time', () => {
  it('is rounded up and never negative', () => {
    expect(timeLeft(7_199_001)).toBe('2:00:00')
    expect(timeLeft(1)).toBe('0:00:01')
    expect(timeLeft(-5000)).toBe('0:00:00')
  })

  it('turns amber at ten minutes', async () => {
    const late = await show('exam-warn')
    expect(late.at('time-left').dataset['tone']).toBe('amber')
    late.unmount()
    const early = await show('exam')
    expect(early.at('time-left').dataset['tone']).toBeUndefined()
  })
})

describe('the check before handing in', () => {
  it('shows many questions as cells, and leads back to one of them', async () => {
    const page = await show('hand-in-check-many')
    expect(page.container.querySelectorAll('.jump-cells .cell')).toHaveLength(73)
    expect(page.at('jump-99').getAttribute('aria-label')).toContain('第 100 题')
    await fireEvent.click(page.at('jump-99'))
    await until(() => page.mock.asked.length === 2)
    expect(page.mock.asked).toEqual([{ do: 'back_to_exam' }, { do: 'show', position: 99 }])
  })

  it('shows a few as buttons that say what they are', async () => {
    const page = await show('hand-in-check')
    expect(page.container.querySelector('.jump-cells')).toBeNull()
    expect(page.at('jump-34').textContent).toContain('第 35 题')
  })
})

describe('the folded answer sheet', () => {
  const unfolded = (page: Awaited<ReturnType<typeof show>>) =>
    [0, 1].filter((index) => page.at(`sheet-fold-${index}`).getAttribute('aria-expanded') === 'true')

  it('shows the kind of question that is on the screen, or the one that is asked for', async () => {
    const page = await show('exam')
    expect(unfolded(page)).toEqual([1])
    await fireEvent.click(page.at('sheet-fold-0'))
    expect(unfolded(page)).toEqual([0])
    await fireEvent.click(page.at('cell-34'))
    await until(() => page.at('question-no').textContent?.includes('35') === true)
    expect(unfolded(page)).toEqual([0])
    await fireEvent.click(page.at('cell-90'))
    await until(() => unfolded(page)[0] === 1)
  })
})

describe('a disk that takes nothing', () => {
  it('is what every refused answer is told by, in the same words', async () => {
    const page = await show('exam-storage')
    for (const refusal of ['store.full', 'attempt.suspended']) {
      page.mock.refuse = refusal
      await fireEvent.click(page.at('option-1'))
      await until(() => page.mock.refuse === null)
      await until(() => page.at('banner').dataset['code'] === 'own')
      expect(page.at('banner').textContent).toContain('没有存好')
    }
  })
})
