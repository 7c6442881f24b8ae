import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stationCodes } from '../src/station-bindings.ts'
import { stationWords } from '../src/station/words.ts'
import { en } from '../src/words/en.ts'
import { zh } from '../src/words/zh.ts'

const crates = join(import.meta.dirname, '../../crates')
/** Sources whose codes can reach a terminal's screen; the center's are those that it answers devices with. */
const ofTerminals = [
  ...['camera', 'core', 'device', 'store', 'terminal', 'wire'].map((crate) => join(crate, 'src')),
  'center/src/server',
  'center/src/device.rs',
]
/** Those that reach the station's: a terminal's refusals as well, since it says there what a terminal refused. */
const ofTheStation = [...ofTerminals, 'hub/src']
/** The catalogue of events has its titles in itself; the station's rules and replicas are not a terminal's. */
const events = /\/core\/src\/event\.rs/
const notOfTerminals = /\/(core\/src\/(event\.rs|room[./])|store\/src\/replicas[./])/
/** What looks like a code and is none: a place in the store, events of the ledger, file names, formats below the ones that are shown. */
const notShown =
  /^(station\.tries$|(app|system|exam|db|cbor|cose|hpke|kdf|note|proof|signature|blueprint|grade|clock|root|device|site|directory|fengjuan|www)\.)|\.(rs|db|txt|csv|toml|pub|key|cose|json|lock|partial|cbor|pem|jpg|log|tmp)$/

function sources(folder: string): string[] {
  if (folder.endsWith('.rs')) return [folder]
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.rs') && !/test/.test(join(entry.parentPath, entry.name)),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !events.test(path))
}

/** Codes in what is built: everything before the tests of a file. */
function codes(places: readonly string[], besides?: RegExp): Map<string, string> {
  const found = new Map<string, string>()
  const paths = places.flatMap((place) => sources(join(crates, place)))
  for (const path of paths.filter((each) => besides?.test(each) !== true)) {
    const built = readFileSync(path, 'utf8').split('#[cfg(test)]')[0] ?? ''
    for (const match of built.matchAll(/"([a-z_]+(?:\.[a-z_0-9]+)+)"/g)) {
      const code = match[1] ?? ''
      if (!notShown.test(code)) found.set(code, path)
    }
  }
  return found
}

const slots = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].toSorted()

const unsaid = (found: ReadonlyMap<string, string>, words: object) =>
  [...found].filter(([code]) => !(`code.${code}` in words)).map(([code, path]) => `${code} (${path})`)

describe.each([
  ['a terminal', zh, en],
  ['the station', stationWords['zh-CN'], stationWords.en],
])('the words of %s', (_, chinese: Record<string, string>, english: Record<string, string>) => {
  it('have the same keys in both languages', () => {
    expect(Object.keys(english).toSorted()).toEqual(Object.keys(chinese).toSorted())
  })

  it('leave nothing empty and fill the same slots', () => {
    for (const [key, sentence] of Object.entries(chinese)) {
      const other = english[key] ?? ''
      expect(sentence, key).not.toBe('')
      expect(other, key).not.toBe('')
      expect(slots(other), key).toEqual(slots(sentence))
    }
  })
})

describe('words', () => {
  it('say every code that a terminal may show', () => {
    const found = codes(ofTerminals, notOfTerminals)
    expect(found.size).toBeGreaterThan(100)
    expect(unsaid(found, zh)).toEqual([])
  })

  it('say every code that the station may show', () => {
    const found = codes(ofTheStation)
    expect(unsaid(found, stationWords['zh-CN'])).toEqual([])
    const listed = new Map(stationCodes.map((code) => [code, 'station-bindings.ts']))
    expect(unsaid(listed, stationWords['zh-CN'])).toEqual([])
  })

  it('never show a candidate a code', () => {
    expect(zh['code.unknown.candidate']).not.toContain('{')
    expect(zh['code.unknown.staff']).toContain('{code}')
  })

  it('of the station stay out of what a terminal loads', () => {
    expect(Object.keys(zh).filter((key) => key.startsWith('tile.') || key.startsWith('deed.'))).toEqual([])
  })
})
