import { fireEvent } from '@testing-library/vue'
import axe from 'axe-core'
import { afterEach, describe, expect, it } from 'vitest'
import { stationScenes } from '../dev/stationScenes.ts'
import { momentOf } from '../src/station/phoneTime.ts'
import { qrPath } from '../src/station/qr.ts'
import { words } from '../src/words/index.ts'
import { until } from './page.ts'
import { showStation } from './stationPage.ts'

afterEach(() => (words.global.locale.value = 'zh-CN'))

// Colours are not computed without a renderer; tokens.test.ts measures them.
const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } }

describe.each(Object.keys(stationScenes))('%s', (scene) => {
  it('can be used without seeing it', { timeout: 30_000 }, async () => {
    const page = await showStation(scene)
    const { violations } = await axe.run(page.container, { rules })
    expect(violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join('\n')}`)).toEqual(
      [],
    )
  })

  it.each(['zh-CN', 'en'] as const)('says everything in words, in %s', async (language) => {
    words.global.locale.value = language
    const page = await showStation(scene)
    const unnamed = [...page.container.querySelectorAll('button:not([data-test]):not(.chip)')]
    expect(unnamed.map((button) => button.outerHTML)).toEqual([])
    expect(page.container.innerHTML).not.toMatch(/code\.(?!')|undefined|\{\w+\}|NaN/)
    const said = [...page.container.querySelectorAll('b, p, span, button, dt, th')].map(
      (each) => each.textContent ?? '',
    )
    expect(said.filter((text) => /^[a-z_]+\.[a-z_.]+$/.test(text.trim()))).toEqual([])
    expect(page.container.querySelector('[style]')).toBeNull()
    const blue = page.container.querySelectorAll('.button[data-kind="primary"]:not([aria-disabled])')
    expect(blue.length).toBeLessThanOrEqual(1)
  })
})

describe('the seat map', () => {
  it('has one seat in the tab order, and arrows that go from seat to seat', async () => {
    const page = await showStation('station-room-alerts')
    expect(page.container.querySelectorAll('.seat[tabindex="0"]').length).toBe(1)
    page.at('seat-1').focus()
    await fireEvent.keyDown(page.at('seat-1'), { key: 'ArrowDown' })
    expect(document.activeElement).toBe(page.at('seat-11'))
    await fireEvent.keyDown(page.at('seat-11'), { key: 'ArrowRight' })
    expect(document.activeElement).toBe(page.at('seat-12'))
    await fireEvent.click(page.at('seat-12'))
    expect(page.mock.asked).toEqual([{ do: 'open_seat', seat_no: 12 }])
    await until(() => page.maybe('panel-12') !== null)
  })

  it('keeps every seat in its place when it is filtered', async () => {
    const page = await showStation('station-room-filtered')
    expect(page.container.querySelectorAll('.seat').length).toBe(60)
    expect(page.at('seat-34').dataset['off']).toBeUndefined()
    expect(page.at('seat-1').dataset['off']).toBe('true')
  })

  it('says what a seat is without its colours', async () => {
    const page = await showStation('station-room-alerts')
    expect(page.at('seat-41').getAttribute('aria-label')).toContain('失联，原因待查')
    expect(page.at('seat-34').getAttribute('aria-label')).toContain('暂停')
  })
})

describe('a seat', () => {
  it('that is out of contact pushes nobody to swap', async () => {
    const page = await showStation('station-room-silent')
    const trouble = page.at('trouble')
    expect(trouble.textContent).toContain('失联，原因待查')
    expect(trouble.querySelector('[data-kind="primary"]')).toBeNull()
  })

  it('gets its lost time back with one click and a reason', async () => {
    const page = await showStation('station-room')
    await fireEvent.click(page.at('outage-approve'))
    expect(page.mock.asked).toEqual([
      {
        do: 'decide_outage',
        seat_no: 34,
        outage_no: 1,
        credit_ms: 182_000,
        cause: 'power',
        reason: '断电，按中断时长补时',
      },
    ])
  })

  it('has the cause of its outage corrected, and the next outage begins with its own', async () => {
    const page = await showStation('station-room')
    await fireEvent.update(page.at('outage-cause'), 'candidate_left')
    const reason = () => (page.at('outage-reason') as HTMLInputElement).value
    expect(reason()).toBe('考生离开座位，按规定处理')
    await fireEvent.update(page.at('outage-reason'), '去洗手间')
    await fireEvent.update(page.at('outage-cause'), 'device')
    expect(reason()).toBe('去洗手间')
    const { screen } = page.mock.current
    if (screen.name !== 'station') throw new Error('not the station')
    const trouble = screen.data.room.panel?.trouble
    if (!trouble?.outage) throw new Error('no outage')
    trouble.outage = { ...trouble.outage, outage_no: 2, cause: 'crash' }
    page.mock.show(page.mock.current)
    await until(() => reason() === '程序停止，按中断时长补时')
    expect((page.at('outage-cause') as HTMLSelectElement).value).toBe('crash')
  })

  it('is decided with all others after a power cut, in one decision', async () => {
    const page = await showStation('station-room-power')
    await fireEvent.click(page.at('alert-outages-10'))
    await fireEvent.update(page.at('outages-reason'), '全场停电')
    await fireEvent.click(page.at('outages-confirm'))
    expect(page.mock.asked).toEqual([
      { do: 'decide_outages', alert_no: 10, cause: 'power', reason: '全场停电' },
    ])
    expect(page.maybe('alert-outages-9')).toBeNull()
  })

  it('is told to leave only by two people, with a reason', async () => {
    const page = await showStation('station-room')
    await fireEvent.click(page.at('do-remove'))
    const confirm = () => fireEvent.click(page.at('deed-remove-confirm'))
    await confirm()
    await fireEvent.update(page.at('deed-remove-reason'), '使用手机')
    await confirm()
    expect(page.mock.asked).toEqual([])
    await fireEvent.click(page.at('staff-JN-0003'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    await confirm()
    expect(page.mock.asked).toEqual([
      { do: 'remove', seat_no: 34, reason: '使用手机', second: { staff_id: 'JN-0003', password: 'geheim' } },
    ])
    await until(() => page.maybe('deed-remove') === null)
  })

  it('keeps the dialog and drops the password when it was refused', async () => {
    const page = await showStation('station-room')
    await fireEvent.click(page.at('do-remove'))
    await fireEvent.update(page.at('deed-remove-reason'), '使用手机')
    await fireEvent.click(page.at('staff-JN-0003'))
    await fireEvent.update(page.at('staff-password'), 'falsch')
    page.mock.refuse = 'room.second_role'
    await fireEvent.click(page.at('deed-remove-confirm'))
    await until(() => page.maybe('refused') !== null)
    expect(page.at('refused').dataset['code']).toBe('room.second_role')
    expect((page.at('staff-password') as HTMLInputElement).value).toBe('')
    expect((page.at('deed-remove-reason') as HTMLInputElement).value).toBe('使用手机')
  })

  it('never offers whoever acts as the second person', async () => {
    const page = await showStation('station-room')
    await fireEvent.click(page.at('do-remove'))
    expect(page.maybe('staff-JN-0217')).toBeNull()
  })

  it('says why what cannot be done cannot be done', async () => {
    const page = await showStation('station-room')
    expect(page.at('shut-out_of_use').textContent).toContain('这台考试机上有考生')
  })
})

describe('machines', () => {
  it('that ask are cleared at once, and one that was turned away may ask again', async () => {
    const page = await showStation('station-devices')
    await fireEvent.click(page.at('forget-asking'))
    expect(page.at('forget-asking').textContent).toContain('全部清除')
    await fireEvent.click(page.at('forget-asking-confirm'))
    expect(page.mock.asked).toEqual([{ do: 'forget_asking' }])
    await fireEvent.click(page.at('again-r1'))
    await fireEvent.update(page.at('let-ask-again-reason'), '刚才拒绝错了')
    await fireEvent.click(page.at('let-ask-again-confirm'))
    expect(page.mock.asked[1]).toEqual({ do: 'let_ask_again', device: 'r1', reason: '刚才拒绝错了' })
  })

  it('that are off the list for good are not brought back', async () => {
    const page = await showStation('station-devices')
    expect(page.maybe('back-in-use-d53')).toBeTruthy()
    expect(page.maybe('back-in-use-d60')).toBeNull()
    expect(page.maybe('revoke-d60')).toBeNull()
  })
})

describe('the room', () => {
  it('is ended while somebody answers only by force, and names them all', async () => {
    const page = await showStation('station-room-alerts')
    await fireEvent.click(page.at('room-menu'))
    await fireEvent.click(page.at('room-end'))
    expect(page.at('end-names').children.length).toBe(53)
    await fireEvent.update(page.at('end-reason'), '按考试机构指令结束')
    await fireEvent.click(page.at('end-confirm'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.click(page.at('end-check-0'))
    await fireEvent.click(page.at('end-confirm'))
    expect(page.mock.asked).toEqual([
      { do: 'end', class_no: null, forced: true, reason: '按考试机构指令结束' },
    ])
  })

  it('is ended for one class by force only where somebody of that class answers', async () => {
    const page = await showStation('station-room-one-class')
    await fireEvent.click(page.at('room-menu'))
    await fireEvent.click(page.at('room-end'))
    const all = page.at('end-names').children.length
    await fireEvent.update(page.at('end-choice'), 'C1')
    expect(page.at('end-names').children.length).toBe(all)
    expect(page.at('end-check-0')).toBeTruthy()
    await fireEvent.update(page.at('end-choice'), 'C2')
    expect(page.maybe('end-names')).toBeNull()
    expect(page.maybe('end-check-0')).toBeNull()
    await fireEvent.update(page.at('end-reason'), '全部交卷')
    await fireEvent.click(page.at('end-confirm'))
    expect(page.mock.asked).toEqual([{ do: 'end', class_no: 'C2', forced: false, reason: '全部交卷' }])
  })

  it('names those of a class alone who still answer when it is ended', async () => {
    const page = await showStation('station-room-alerts')
    await fireEvent.click(page.at('room-menu'))
    await fireEvent.click(page.at('room-end'))
    await fireEvent.update(page.at('end-choice'), 'C2')
    const named = page.at('end-names').children.length
    expect(named).toBeGreaterThan(0)
    expect(named).toBeLessThan(53)
    expect(page.at('end').textContent).toContain(String(named))
  })

  it('starts for all after it was said who is late', async () => {
    const page = await showStation('station-room-start')
    await fireEvent.click(page.at('next-step'))
    expect(page.mock.asked).toEqual([])
    expect(page.at('start').textContent).toContain('没有核验完')
    await fireEvent.click(page.at('start-confirm'))
    expect(page.mock.asked).toEqual([{ do: 'start' }])
  })

  it('is credited with a call that says who, when and from which number', async () => {
    const page = await showStation('station-room-alerts')
    await fireEvent.click(page.at('room-menu'))
    await fireEvent.click(page.at('room-credit'))
    await fireEvent.update(page.at('room-credit-minutes'), '5')
    await fireEvent.update(page.at('room-credit-reason'), '考场停电耽误作答')
    await fireEvent.click(page.at('room-credit-phoned'))
    await fireEvent.update(page.at('room-credit-phone-who'), '高主任')
    await fireEvent.update(page.at('room-credit-phone-number'), '0537-2211234')
    await fireEvent.update(page.at('room-credit-phone-when'), '9:40')
    await fireEvent.click(page.at('staff-JN-0003'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    await fireEvent.click(page.at('room-credit-confirm'))
    expect(page.mock.asked).toMatchObject([
      {
        do: 'credit',
        scope: { of: 'room' },
        minutes: 5,
        phone: { who: '高主任', number: '0537-2211234', when_ms: Date.UTC(2026, 10, 20, 1, 40) },
        second: { staff_id: 'JN-0003' },
      },
    ])
  })

  it('that fell silent at once is one alert', async () => {
    const page = await showStation('station-room-many')
    expect(page.container.querySelectorAll('.alert-rows > li').length).toBe(1)
    expect(page.at('alert-9').textContent).toContain('交换机')
  })
})

describe('alerts', () => {
  it('are acknowledged with a note, and stay', async () => {
    const page = await showStation('station-room-alerts')
    await fireEvent.click(page.at('alert-note-7'))
    await fireEvent.click(page.at('alert-acknowledge'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.update(page.at('alert-note'), '已换机')
    await fireEvent.click(page.at('alert-acknowledge'))
    expect(page.mock.asked).toEqual([{ do: 'acknowledge_alert', alert_no: 7, note: '已换机' }])
  })

  it('are a click away on every other tab', async () => {
    const page = await showStation('station-log')
    expect(page.maybe('alert-drawer')).toBeNull()
    await fireEvent.click(page.at('alerts'))
    expect(page.at('alert-drawer').textContent).toContain('存不了数据')
  })
})

describe('a station without papers', () => {
  it('knows nobody yet, and lets whoever sits there pull them', async () => {
    const page = await showStation('station-room-empty')
    expect(page.maybe('acting')).toBeNull()
    await fireEvent.click(page.at('next-step'))
    expect(page.mock.asked).toEqual([{ do: 'pull' }])
  })
})

describe('a page that may not act', () => {
  it.each([
    ['station-locked', 'locked'],
    ['station-standby', 'standby'],
    ['station-stopped', 'stopped'],
  ])('%s shows everything and does nothing', async (scene, why) => {
    const page = await showStation(scene)
    expect(page.at('acting').dataset['why']).toBe(why)
    expect(page.container.querySelectorAll('.seat').length).toBe(60)
    await fireEvent.click(page.at('next-step'))
    await fireEvent.click(page.at('room-menu'))
    expect(page.maybe('room-end')).toBeNull()
    const doing = page.container.querySelectorAll(
      '.panel-keys .button:not([aria-disabled]), .alert-rows .button:not([aria-disabled])',
    )
    expect(doing.length).toBe(0)
    expect(page.mock.asked).toEqual([])
  })

  it('is woken by logging in over it', async () => {
    const page = await showStation('station-locked')
    await fireEvent.click(page.at('log-in-again'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    await fireEvent.click(page.at('login-submit'))
    expect(page.mock.asked).toEqual([{ do: 'log_in', staff_id: 'JN-0217', password: 'geheim' }])
    await until(() => page.maybe('log-in') === null)
  })

  it('takes over by one person with a reason, who is told whether the other commands', async () => {
    const page = await showStation('station-standby')
    expect(page.at('copy').textContent).toContain('306 管理机')
    await fireEvent.click(page.at('take-over'))
    expect(page.container.ownerDocument.body.textContent).toContain('306 管理机现在还连着')
    await fireEvent.update(page.at('take-over-reason'), '主管理机坏了')
    await fireEvent.click(page.at('take-over-confirm'))
    expect(page.mock.asked).toEqual([{ do: 'take_over', reason: '主管理机坏了', second: null }])
  })

  it('takes over by two people where it never followed the other', async () => {
    const page = await showStation('station-standby-alone')
    await fireEvent.click(page.at('take-over'))
    expect(page.at('take-over').textContent).toBeTruthy()
    const dialog = page.container.ownerDocument.body.textContent
    expect(dialog).toContain('从来没有连上过主管理机')
    await fireEvent.update(page.at('take-over-reason'), '主管理机坏了')
    await fireEvent.click(page.at('take-over-confirm'))
    expect(page.mock.asked).toEqual([])
    expect(page.at('take-over-second')).toBeTruthy()
  })

  it('asks who is there before anybody takes over', async () => {
    const page = await showStation('station-standby-nobody')
    expect(page.maybe('take-over')).toBeNull()
    await fireEvent.click(page.at('log-in-again'))
    expect(page.at('log-in')).toBeTruthy()
  })

  it.each([
    ['station-standby-behind', '15 秒'],
    ['station-standby-lost', '请在这里接管'],
    ['station-standby-alone', '还没有连上'],
    ['station-stopped', '307 备用机'],
  ])('%s says how well it follows', async (scene, said) => {
    const page = await showStation(scene)
    expect(page.at('copy').textContent).toContain(said)
    expect(page.at('take-over')).toBeTruthy()
  })
})

describe('a station that is followed', () => {
  it.each([
    ['station-followed', '备用机已跟上', 'green'],
    ['station-followed-lost', '起失联', 'amber'],
  ])('%s says so in its bar', async (scene, said, tone) => {
    const page = await showStation(scene)
    expect(page.at('copy-state').textContent).toContain(said)
    expect(page.at('copy-state').dataset['tone']).toBe(tone)
  })
})

describe('machines and seats', () => {
  it('are let in when both people saw the same fingerprint', async () => {
    const page = await showStation('station-devices')
    await fireEvent.click(page.at('approve-n1'))
    await fireEvent.click(page.at('staff-JN-0231'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    await fireEvent.click(page.at('approve-device-confirm'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.click(page.at('approve-device-check-0'))
    await fireEvent.click(page.at('approve-device-confirm'))
    expect(page.mock.asked).toMatchObject([{ do: 'approve_device', device: 'n1', seat_no: 54 }])
  })

  it('are published once there are enough machines', async () => {
    const short = await showStation('station-seating-short')
    await fireEvent.click(short.at('publish-seats'))
    expect(short.at('seating-why').textContent).toContain('55')
    short.unmount()
    const page = await showStation('station-seating-ready')
    await fireEvent.click(page.at('publish-seats'))
    await fireEvent.click(page.at('publish-seats-confirm'))
    expect(page.mock.asked).toEqual([{ do: 'publish_seats' }])
  })

  it('open with one code for all', async () => {
    const page = await showStation('station-unlock')
    const groups = ['7K3MW', 'Q09R4', '5XB2J', 'W4TDK']
    for (const [index, group] of groups.entries()) {
      await fireEvent.update(page.at(`group-${index}`), group)
      await until(() => page.at(`group-state-${index}`).dataset['check'] === 'valid')
    }
    await fireEvent.click(page.at('unlock'))
    expect(page.mock.asked).toEqual([{ do: 'unlock', groups, second: null }])
  })

  it('open with the halves of two people, each by their own password', async () => {
    const page = await showStation('station-unlock-two')
    const half = ['7K3MW', 'Q09R4', '5XB2J', 'W4TDK']
    const groups = [...half, ...half]
    for (const [index, group] of groups.entries()) {
      await fireEvent.update(page.at(`group-${index}`), group)
      await until(() => page.at(`group-state-${index}`).dataset['check'] === 'valid')
    }
    await fireEvent.click(page.at('unlock'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.update(page.at('second-who'), 'JN-0231')
    await fireEvent.update(page.at('second-password'), 'geheim')
    await fireEvent.click(page.at('unlock'))
    const second = { staff_id: 'JN-0231', password: 'geheim' }
    expect(page.mock.asked).toEqual([{ do: 'unlock', groups, second }])
    expect((page.at('second-password') as HTMLInputElement).value).toBe('')
  })
})

describe('small things', () => {
  it('takes the time of a call as the last one before now', () => {
    const now = Date.UTC(2026, 10, 20, 1, 52)
    expect(momentOf('9:40', now, 480)).toBe(Date.UTC(2026, 10, 20, 1, 40))
    expect(momentOf('23:10', now, 480)).toBe(Date.UTC(2026, 10, 19, 15, 10))
    expect(momentOf('25:00', now, 480)).toBeNull()
    expect(momentOf('soon', now, 480)).toBeNull()
  })

  it('draws the address as a QR code of the size that it needs', () => {
    expect(qrPath('https://192.168.6.10:7443')?.size).toBe(25)
    expect(qrPath('x'.repeat(300))?.size).toBe(69)
    expect(qrPath('x'.repeat(3000))).toBeNull()
  })

  it('draws the code that a terminal is shown to read', async () => {
    const text = 'fengjuan-hub:1?url=https%3A%2F%2F192.168.6.10%3A8443&fp=4T7Q-0MZK-93XB-R2WD'
    const { size, path } = qrPath(text) ?? { size: 0, path: '' }
    const dark = new Set(path.split('M').map((square) => square.split('h')[0]))
    const row = (y: number) =>
      Array.from({ length: size }, (_, x) => (dark.has(`${x} ${y}`) ? '#' : '.')).join('')
    const drawn = [text, '', ...Array.from({ length: size }, (_, y) => row(y)), '']
    await expect(drawn.join('\n')).toMatchFileSnapshot('../../fixtures/qr/station.txt')
  })
})
