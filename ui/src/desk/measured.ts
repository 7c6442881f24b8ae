import type { Check } from '../bindings.ts'
import { useWords } from '../words/index.ts'
import { zh, type WordKey } from '../words/zh.ts'

const between = ' · '

/**
 * Values of the equipment check mean the same in every language, such as `212.4 GiB`; the few words and codes in
 * them are said in the reader's.
 */
export function useMeasured() {
  const { t, count, known, sayToStaff } = useWords()

  function piece(text: string): string {
    const [code = '', query = ''] = text.split('?', 2)
    if (known(code)) return sayToStaff({ code, args: Object.fromEntries(new URLSearchParams(query)) })
    const device = /^(\d+) (mouse|keyboard)$/.exec(text)
    if (device?.[2]) return count(`measured.${device[2] as 'mouse' | 'keyboard'}`, Number(device[1]))
    return text.replace(/ free\b/g, ` ${t('measured.free')}`)
  }

  const measured = (value: string): string => value.split(between).map(piece).join(between)

  /** Some limits are facts and not numbers: those are said in words. */
  function required(limit: string, check: Check): string {
    const key = `limit.${check}`
    return key in zh ? t(key as WordKey) : measured(limit)
  }

  return { measured, required }
}
