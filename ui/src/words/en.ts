import { enCandidate } from './en.candidate.ts'
import { enChecks } from './en.checks.ts'
import { enCodes } from './en.codes.ts'
import { enDesk } from './en.desk.ts'
import { underCode, type WordKey } from './zh.ts'

export const en: Record<WordKey, string> & Record<`code.${string}`, string> = {
  ...enCandidate,
  ...enDesk,
  ...underCode(enCodes),
  ...underCode(enChecks),
}
