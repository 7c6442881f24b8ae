import { createI18n, useI18n } from 'vue-i18n'
import { siteTime, shortSpan } from '../clock.ts'
import { useMachine } from '../machine.ts'
import { en } from './en.ts'
import { zh, type WordKey } from './zh.ts'

export type Language = 'zh-CN' | 'en'

/** Every sentence of the page, under flat keys: a code such as `camera.busy` is found as `code.camera.busy`. */
export const words = createI18n({
  legacy: false,
  locale: 'zh-CN' as Language,
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zh, en },
  messageResolver: (messages, key) => (messages as unknown as Record<string, string>)[key] ?? null,
  missingWarn: false,
  fallbackWarn: false,
})

type Args = Readonly<Record<string, string | number>>

/** The words in the language of the moment. */
export function useWords() {
  const { t: translate, te, locale } = useI18n()
  const machine = useMachine()

  const t = (key: WordKey, args: Args = {}): string => translate(key, args)
  const count = (key: WordKey, n: number, args: Args = {}): string => translate(key, { n, ...args }, n)
  const known = (code: string): boolean => te(`code.${code}`, 'zh-CN')

  /** The sentence for a code, or `null` where the page has none. */
  const sentence = (code: string, args: Args): string | null =>
    known(code) ? translate(`code.${code}`, { ...args, ...spoken(args), ...readable(args) }) : null

  /** For a candidate: an unknown code is a calm sentence without the code. */
  const sayToCandidate = (said: { code: string; args: Args }): string =>
    sentence(said.code, said.args) ?? translate('code.unknown.candidate')

  /** For staff: an unknown code is named, so that it can be read over the phone. */
  const sayToStaff = (said: { code: string; args: Args }): string =>
    sentence(said.code, said.args) ?? translate('code.unknown.staff', { code: said.code })

  const offset = () => machine.clock?.utc_offset_min ?? 480
  const minuteOf = (ms: number): string => siteTime(ms, offset()).minute
  const secondOf = (ms: number): string => siteTime(ms, offset()).second
  const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
  const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const
  const dayOf = (ms: number): string => {
    const { year, month, day, weekday } = siteTime(ms, offset())
    const named = weekdays[weekday] ?? 'sun'
    return t('time.date', { year, month: monthName(month), day, weekday: t(`time.${named}`) })
  }
  const dayAndMinute = (ms: number): string => {
    const { month, day, minute } = siteTime(ms, offset())
    return t('time.day_minute', { month: monthName(month), day, minute })
  }
  const monthName = (month: number): string =>
    locale.value === 'en' ? t(`time.${months[month - 1] ?? 'jan'}`) : String(month)

  /**
   * Adds to what a notice brings: the title in the reader's language, a cause that is a code as its sentence, and
   * pieces that are empty where nothing is known: `place`, `why`, `who`.
   */
  function spoken(args: Args): Args {
    const text = (name: string) => (args[name] === undefined ? '' : String(args[name]))
    const cause = text('cause')
    const outage = `outage.${cause}`
    const seat = text('seat') === '' ? '' : translate('seat.place', { seat: text('seat') })
    const someone = text('name') || text('class') || seat
    return {
      title: locale.value === 'en' ? text('en') : text('zh'),
      cause: known(cause)
        ? translate(`code.${cause}`, { ...args }).replace(/[。.]$/, '')
        : te(outage, 'zh-CN')
          ? translate(outage)
          : cause,
      command: known(`command.${text('command')}`)
        ? translate(`code.command.${text('command')}`).trim()
        : text('command'),
      place: [seat, text('name') || text('device')].filter((part) => part !== '').join(' '),
      who: someone === '' ? '' : `${translate('words_apart')}${someone}`,
      why: text('reason') === '' ? '' : `${translate('colon')}${text('reason')}`,
    }
  }

  /** Adds `x_time` or `x_span` for every `x_ms`: moments are printed on the site's clock, spans as minutes. So are `seconds`. */
  function readable(args: Args): Args {
    const out: Record<string, string> = {}
    for (const [name, value] of Object.entries(args)) {
      if (name === 'seconds') out['seconds_span'] = shortSpan(Number(value) * 1000)
      const ms = Number(value)
      if (!name.endsWith('_ms') || !Number.isFinite(ms)) continue
      const stem = name.slice(0, -'_ms'.length)
      out[`${stem}_time`] = Math.abs(ms) > 1e11 ? minuteOf(ms) : shortSpan(ms)
      out[`${stem}_span`] = shortSpan(ms)
    }
    return out
  }

  return { t, count, known, sayToCandidate, sayToStaff, minuteOf, secondOf, dayOf, dayAndMinute, locale }
}

/** Points are counted in halves, so that partial credit stays exact. */
export function points(half: number): string {
  return half % 2 === 0 ? String(half / 2) : (half / 2).toFixed(1)
}

/** A number as it is read aloud: groups of four. */
export function inFours(number: string): string {
  return number.replaceAll(/(.{4})(?=.)/g, '$1 ')
}
