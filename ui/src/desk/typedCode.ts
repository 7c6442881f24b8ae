import type { CodeGroupView } from '../bindings.ts'

export const groupLength = 5

/**
 * What a person typed or pasted, as symbols: capitals, no spaces or dashes, O read as 0 and I or L as 1. Anything
 * that an input method slips in is dropped. The app decides what is a symbol; this only keeps the boxes tidy.
 */
export function symbols(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
    .replaceAll(/[^0-9A-Z]/g, '')
}

/** Puts `text` into group `at`; what does not fit runs on into the groups after it. */
export function spread(
  groups: readonly string[],
  at: number,
  text: string,
): { groups: string[]; last: number } {
  const next = [...groups]
  let rest = symbols(text)
  let last = at
  for (let index = at; index < next.length; index += 1) {
    next[index] = rest.slice(0, groupLength)
    last = index
    rest = rest.slice(groupLength)
    if (rest === '') break
  }
  return { groups: next, last }
}

export const nothingTyped: CodeGroupView = { state: 'incomplete', symbols: '', spelling: [] }
