import { useWords } from '../words/index.ts'

/**
 * Values of the equipment check come as `code` or `code?name=value&name=value`; a text that is no known code
 * (an address, a device's own name) is shown as it is.
 */
export function useMeasured() {
  const { known, sayToStaff } = useWords()

  function measured(value: string): string {
    const [code = '', query = ''] = value.split('?', 2)
    return known(code) ? sayToStaff({ code, args: Object.fromEntries(new URLSearchParams(query)) }) : value
  }

  /** Advice has its own code; where the page has no words for it, the check's general advice is better than none. */
  function advice(value: string, check: string): string {
    const [code = ''] = value.split('?', 1)
    return known(code) ? measured(value) : measured(`check.${check}.advice`)
  }

  return { measured, advice }
}
