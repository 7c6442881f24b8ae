import { zhCandidate } from './zh.candidate.ts'
import { zhChecks } from './zh.checks.ts'
import { zhCodes } from './zh.codes.ts'
import { zhDesk } from './zh.desk.ts'

const own = { ...zhCandidate, ...zhDesk }

/** A sentence of the page itself. Codes have keys of their own, `code.` before the code. */
export type WordKey = keyof typeof own

export const zh: Record<WordKey, string> & Record<`code.${string}`, string> = {
  ...own,
  ...underCode(zhCodes),
  ...underCode(zhChecks),
}

export function underCode(codes: Readonly<Record<string, string>>): Record<`code.${string}`, string> {
  return Object.fromEntries(Object.entries(codes).map(([code, words]) => [`code.${code}`, words]))
}
