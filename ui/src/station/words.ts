import { useI18n } from 'vue-i18n'
import { en } from '../words/en.ts'
import { useWords, words } from '../words/index.ts'
import { underCode, zh, type WordKey } from '../words/zh.ts'
import { enStationMachines } from '../words/en.station.machines.ts'
import { enStation } from '../words/en.station.ts'
import { enStationCodes } from '../words/en.station.codes.ts'
import { zhStationMachines } from '../words/zh.station.machines.ts'
import { zhStation } from '../words/zh.station.ts'
import { zhStationCodes } from '../words/zh.station.codes.ts'

/** A sentence of the station's page, or one that it shares with the desk. */
export type StationKey = WordKey | keyof typeof zhStation | keyof typeof zhStationMachines

export const stationWords = {
  'zh-CN': { ...zh, ...zhStation, ...zhStationMachines, ...underCode(zhStationCodes) },
  en: { ...en, ...enStation, ...enStationMachines, ...underCode(enStationCodes) },
}

/** The station's words come with the station's part: a terminal never loads them. */
export function addStationWords(): void {
  for (const locale of ['zh-CN', 'en'] as const) words.global.setLocaleMessage(locale, stationWords[locale])
}

type Args = Readonly<Record<string, string | number>>

export function useStationWords() {
  const { t: translate } = useI18n()
  const shared = useWords()
  const t = (key: StationKey, args: Args = {}): string => translate(key, args)
  const count = (key: StationKey, n: number, args: Args = {}): string => translate(key, { n, ...args }, n)
  const list = (parts: readonly string[]): string => parts.join(t('list_comma'))
  return { ...shared, t, count, list }
}
