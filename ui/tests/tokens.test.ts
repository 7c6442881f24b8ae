import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(join(import.meta.dirname, '../src/styles/tokens.css'), 'utf8')
const [light = '', contrast = ''] = css.split("[data-theme='contrast']")

function colour(theme: string, name: string): string {
  const found = new RegExp(`--color-${name}:\\s*(#[0-9a-fA-F]{6})`).exec(theme)?.[1]
  if (found === undefined) throw new Error(`no colour ${name}`)
  return found
}

/** Relative luminance as in WCAG 2.2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function ratio(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}

describe.each([
  ['light', light],
  ['contrast', contrast],
])('the %s theme', (_, theme) => {
  it.each([
    ['text', 'page'],
    ['text', 'surface'],
    ['text-2', 'page'],
    ['text-2', 'surface'],
    ['text-2', 'sunken'],
    ['on-solid', 'blue'],
    ['blue', 'blue-tint'],
    ['blue', 'surface'],
    ['amber', 'amber-tint'],
    ['red', 'red-tint'],
    ['green', 'blue-tint'],
    ['green', 'surface'],
    ['on-amber', 'amber-fill'],
    ['on-solid', 'red'],
  ])('%s on %s reaches 7:1', (ink, ground) => {
    expect(ratio(colour(theme, ink), colour(theme, ground))).toBeGreaterThanOrEqual(7)
  })

  it.each(['surface', 'page', 'sunken'])('quiet words of the station on %s reach 5.2:1', (ground) => {
    expect(ratio(colour(theme, 'text-3'), colour(theme, ground))).toBeGreaterThanOrEqual(5.2)
  })

  it('draws the edges of controls at 3:1 or more', () => {
    expect(ratio(colour(theme, 'edge'), colour(theme, 'surface'))).toBeGreaterThanOrEqual(3)
  })
})
