import { fireEvent } from '@testing-library/vue'
import { describe, expect, it } from 'vitest'
import { spread, symbols } from '../src/desk/typedCode.ts'
import { show, until } from './page.ts'

describe('the code', () => {
  it('is kept in capitals, without spaces, and with what is easily misheard put right', () => {
    expect(symbols(' 7k3m-w oil ７中')).toBe('7K3MW0117')
  })

  it('runs on into the next groups when it is pasted whole', () => {
    expect(spread(['', '', '', ''], 0, '7K3MW Q09R4 5XB2J W4TDK')).toEqual({
      groups: ['7K3MW', 'Q09R4', '5XB2J', 'W4TDK'],
      last: 3,
    })
    expect(spread(['7K3MW', '', '', ''], 3, 'ABCDEFGHJ').groups).toEqual(['7K3MW', '', '', 'ABCDE'])
  })

  it('is checked group by group, and tried only when every group is right', async () => {
    const page = await show('desk-unlock')
    const field = (index: number) => page.at(`group-${index}`) as HTMLInputElement
    const check = (index: number) => page.at(`group-state-${index}`).dataset['check']
    await fireEvent.update(field(0), '7k3mw')
    await until(() => check(0) === 'valid')
    await until(() => document.activeElement === field(1))
    await fireEvent.update(field(1), '5XB2H')
    await until(() => check(1) === 'invalid')
    await fireEvent.click(page.at('unlock'))
    expect(page.mock.asked).toEqual([])
    expect(page.at('unlock-why').textContent).toContain('2')
    await fireEvent.update(field(1), 'Q09R4')
    await fireEvent.update(field(2), '5XB2J')
    await fireEvent.update(field(3), 'W4TDK')
    await until(() => check(3) === 'valid')
    await fireEvent.click(page.at('unlock'))
    expect(page.mock.asked).toEqual([
      { do: 'unlock', groups: ['7K3MW', 'Q09R4', '5XB2J', 'W4TDK'], second: null },
    ])
    await until(() => field(0).value === '')
  })

  it('waits after a wrong one', async () => {
    const page = await show('desk-unlock-wrong')
    expect(page.at('unlock-refused').dataset['code']).toBe('unlock.wrong_code')
    expect(page.at('unlock-why').textContent).toMatch(/0:2\d/)
    expect(page.at('unlock').getAttribute('aria-disabled')).toBe('true')
  })
})

describe('a confirmation', () => {
  it('needs a name, a password and every check', async () => {
    const page = await show('confirm')
    await fireEvent.click(page.at('confirm-person'))
    await fireEvent.click(page.at('staff-JN-0217'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    for (const check of ['id_document', 'person', 'ticket']) await fireEvent.click(page.at(`check-${check}`))
    await fireEvent.click(page.at('confirm-person'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.click(page.at('check-contraband_clear'))
    await fireEvent.click(page.at('confirm-person'))
    expect(page.mock.asked).toEqual([
      {
        do: 'confirm_person',
        staff_id: 'JN-0217',
        password: 'geheim',
        id_document: true,
        person: true,
        ticket: true,
        contraband_clear: true,
      },
    ])
    expect((page.at('staff-password') as HTMLInputElement).value).toBe('')
  })

  it('of documents that do not match takes two steps and a reason', async () => {
    const page = await show('confirm')
    await fireEvent.click(page.at('not-admitted'))
    await fireEvent.click(page.at('staff-JN-0217'))
    await fireEvent.update(page.at('staff-password'), 'geheim')
    await fireEvent.click(page.at('not-admitted-confirm'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.update(page.at('not-admitted-reason'), '身份证件与本人不符')
    await fireEvent.click(page.at('not-admitted-confirm'))
    expect(page.mock.asked).toMatchObject([{ do: 'not_admitted', reason: '身份证件与本人不符' }])
  })
})

describe('the day', () => {
  const nextStep = (page: Awaited<ReturnType<typeof show>>) =>
    page.container.querySelector<HTMLElement>('.step[aria-current="step"]')?.dataset['test']

  it('leads on while entry still runs', async () => {
    const page = await show('desk-overlap')
    expect(nextStep(page)).toBe('step-unlock')
    expect(page.at('next-blocked').dataset['code']).toBe('start.not_unlocked')
  })

  it('leads a restarted machine to its code', async () => {
    const page = await show('desk-restarted')
    expect(nextStep(page)).toBe('step-unlock')
    await fireEvent.click(page.at('next-step'))
    expect(page.mock.asked).toEqual([{ do: 'tab', tab: 'unlock' }])
  })

  it('asks for no missed check once the exam runs, and says nothing of a start that is over', async () => {
    const page = await show('desk-missed-check')
    expect(nextStep(page)).toBe('step-running')
    expect(page.maybe('next-step')).toBeNull()
    expect(page.maybe('next-blocked')).toBeNull()
  })
})

describe('the sitting', () => {
  it('that ends says that a terminal without a seat records nobody as absent', async () => {
    const page = await show('desk-sitting-ending')
    await fireEvent.click(page.at('end-sitting'))
    expect(page.at('end').textContent).toContain('没有在本机签到的 1 人')
    expect(page.at('end').textContent).toContain('不会自动记缺考')
  })

  it('grants lost time with one click, and with a reason', async () => {
    const page = await show('desk-sitting')
    await fireEvent.click(page.at('outage-approve'))
    expect(page.mock.asked).toEqual([
      {
        do: 'decide_outage',
        ticket_no: '3708261120010025',
        outage_no: 1,
        credit_ms: 192_000,
        reason: '断电，按中断时长补时',
      },
    ])
  })

  it('forces a hand-in only with a typed reason, and names the candidate', async () => {
    const page = await show('desk-sitting')
    await fireEvent.click(page.at('force-3708261120010023'))
    expect(page.at('force').textContent).toContain('王建国')
    await fireEvent.click(page.at('force-confirm'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.update(page.at('force-reason'), '考生突发身体不适')
    await fireEvent.click(page.at('force-confirm'))
    expect(page.mock.asked).toMatchObject([{ do: 'force_hand_in', ticket_no: '3708261120010023' }])
  })
})

describe('the equipment check', () => {
  it('never shows what could not be measured as a pass', async () => {
    const page = await show('desk-equipment')
    const row = page.at('check-row-power')
    expect(row.dataset['result']).toBe('not_measured')
    expect(row.textContent).not.toContain('合格')
    expect(page.at('tally-pass').textContent).toContain('12')
    expect(page.at('check-row-internet_unreachable').textContent).toContain('必须连不到')
  })
})

describe('enrolment by stick', () => {
  it('is offered beside the line, and writes the request with the name that was typed', async () => {
    const page = await show('enrol')
    await fireEvent.click(page.at('enrol-stick-open'))
    await fireEvent.update(page.at('device-name'), ' 306 室 24 号 ')
    await fireEvent.update(page.at('enrol-stick-folder'), '/media/usb')
    await fireEvent.click(page.at('enrol-stick-write'))
    await until(() => page.mock.asked.length === 1)
    await fireEvent.click(page.at('enrol-stick-read'))
    await until(() => page.mock.asked.length === 2)
    expect(page.mock.asked).toEqual([
      { do: 'enrol_by_stick', device_name: '306 室 24 号', folder: '/media/usb' },
      { do: 'courier_import', folder: '/media/usb' },
    ])
  })

  it('keeps the name of a request that is on its way, and says what a stick lacks', async () => {
    const page = await show('enrol-refused-stick')
    expect((page.at('device-name') as HTMLInputElement).readOnly).toBe(true)
    expect(page.at('enrol-stick-failed').textContent).toContain('U 盘里没有考试机构的批准')
  })
})

describe('enrolment', () => {
  it('names the station that is heard, by what its QR code would say', async () => {
    const page = await show('enrol-heard')
    expect(page.at('heard-4T7Q-0MZK-93XB-R2WD').textContent).toContain('4T7Q 0MZK 93XB R2WD')
    await fireEvent.click(page.at('join-H1C8-YV5N-KQ6E-07PS'))
    expect(page.mock.asked, 'it is in use').toEqual([])
    await fireEvent.click(page.at('join-4T7Q-0MZK-93XB-R2WD'))
    const text = 'fengjuan-hub:1?url=https%3A%2F%2F192.168.6.10%3A8443&fp=4T7Q-0MZK-93XB-R2WD'
    expect(page.mock.asked).toEqual([{ do: 'join_hub', text }])
  })

  it('takes a typed address where nobody is heard', async () => {
    const page = await show('enrol')
    expect(page.maybe('join-none')).not.toBeNull()
    await fireEvent.click(page.at('join-submit'))
    expect(page.mock.asked).toEqual([])
    await fireEvent.update(page.at('join-text') as HTMLInputElement, ' https://192.168.6.10:8443 ')
    await fireEvent.click(page.at('join-submit'))
    expect(page.mock.asked).toEqual([{ do: 'join_hub', text: 'https://192.168.6.10:8443' }])
  })

  it('begins to scan when somebody says so', async () => {
    const page = await show('enrol')
    await fireEvent.click(page.at('scan'))
    expect(page.mock.asked).toEqual([{ do: 'scan_hub' }])
  })

  it('names what is no station’s code, and stops when somebody says so', async () => {
    const looking = await show('enrol-scan')
    expect(looking.at('scan-notice').textContent).toContain('这不是考场管理机的二维码')
    await fireEvent.click(looking.at('scan'))
    expect(looking.mock.asked).toEqual([{ do: 'stop_scan' }])
  })

  it('shows what was scanned, and uses it only when somebody says so', async () => {
    const found = await show('enrol-scanned')
    expect(found.at('scan-found').textContent).toContain('https://192.168.6.10:8443')
    expect(found.mock.asked).toEqual([])
    const text = 'fengjuan-hub:1?url=https%3A%2F%2F192.168.6.10%3A8443&fp=4T7Q-0MZK-93XB-R2WD'
    expect((found.at('join-text') as HTMLInputElement).value).toBe(text)
    await fireEvent.click(found.at('join-submit'))
    expect(found.mock.asked).toEqual([{ do: 'join_hub', text }])
    await fireEvent.update(found.at('join-text') as HTMLInputElement, 'another')
    expect(found.maybe('scan-found'), 'its fingerprint is of nothing in the field').toBeNull()
  })

  it('says in words why nothing can be scanned, and typing stays', async () => {
    const page = await show('enrol-no-camera')
    expect(page.at('scan-ended').textContent).toContain('没有找到摄像头')
    expect(page.maybe('join-text')).not.toBeNull()
  })
})
