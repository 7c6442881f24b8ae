import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { en } from '../src/words/en.ts'
import { zh } from '../src/words/zh.ts'

const crates = join(import.meta.dirname, '../../crates')
/** Sources whose codes can reach a screen; the center's are those that it answers devices with. */
const shown = [
  ...['camera', 'core', 'store', 'terminal', 'wire'].map((crate) => join(crate, 'src')),
  'center/src/server',
  'center/src/device.rs',
]
/** The catalogue of events, and the management station's rules and replicas, which no screen of a terminal speaks of. */
const notOfTerminals = /\/(core\/src\/(event\.rs|room[./])|store\/src\/replicas[./])/
/** What looks like a code and is none: events of the ledger, file names, formats below the ones that are shown. */
const notShown =
  /^(app|system|exam|db|cbor|cose|hpke|kdf|note|proof|signature|blueprint|grade|clock|root|device|site|directory|fengjuan|www)\.|\.(rs|db|txt|csv|toml|pub|key|cose|json|lock|partial|cbor|pem|jpg|log|tmp)$/

function sources(folder: string): string[] {
  if (folder.endsWith('.rs')) return [folder]
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.rs') && !/test/.test(join(entry.parentPath, entry.name)),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !notOfTerminals.test(path))
}

/** Codes in what is built: everything before the tests of a file. */
function codes(): Map<string, string> {
  const found = new Map<string, string>()
  for (const path of shown.flatMap((place) => sources(join(crates, place)))) {
    const built = readFileSync(path, 'utf8').split('#[cfg(test)]')[0] ?? ''
    for (const match of built.matchAll(/"([a-z_]+(?:\.[a-z_0-9]+)+)"/g)) {
      const code = match[1] ?? ''
      if (!notShown.test(code)) found.set(code, path)
    }
  }
  return found
}

const slots = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].toSorted()

describe('words', () => {
  it('has the same keys in both languages', () => {
    expect(Object.keys(en).toSorted()).toEqual(Object.keys(zh).toSorted())
  })

  it('leaves nothing empty and fills the same slots', () => {
    for (const [key, chinese] of Object.entries(zh)) {
      const english = (en as Record<string, string>)[key] ?? ''
      expect(chinese, key).not.toBe('')
      expect(english, key).not.toBe('')
      expect(slots(english), key).toEqual(slots(chinese))
    }
  })

  it('says every code that the app may show', () => {
    const found = codes()
    expect(found.size).toBeGreaterThan(100)
    const missing = [...found]
      .filter(([code]) => !(`code.${code}` in zh))
      .map(([code, path]) => `${code} (${path})`)
    expect(missing).toEqual([])
  })

  it('never shows a candidate a code', () => {
    expect(zh['code.unknown.candidate']).not.toContain('{')
    expect(zh['code.unknown.staff']).toContain('{code}')
  })
})
