import type { Backend } from '../src/backend.ts'
import type { CandidateAction, CodeGroupView, Outcome, View } from '../src/bindings.ts'
import { scenes } from './scenes.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** As long as the words of the app, so that what does not fit is seen. */
const spoken = {
  zh: '洞 幺 两 三 四 五 六 拐 八 勾 阿尔法 布拉沃 查理 德尔塔 埃科 福克斯 高尔夫 霍特尔 朱丽叶 基洛 麦克 诺文伯 帕帕 魁北克 罗密欧 塞拉 探戈 维克托 威士忌 爱克斯 扬基 祖鲁'.split(
    ' ',
  ),
  en: 'Zero One Two Three Four Five Six Seven Eight Niner Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel Juliett Kilo Mike November Papa Quebec Romeo Sierra Tango Victor Whiskey X-ray Yankee Zulu'.split(
    ' ',
  ),
}

/** Every group is right, save the one that is known as wrong. */
export function codeGroup(typed: string): CodeGroupView {
  const symbols = typed.toUpperCase()
  const spelling = [...symbols].map((symbol) => ({
    symbol,
    zh: spoken.zh[alphabet.indexOf(symbol)] ?? '',
    en: spoken.en[alphabet.indexOf(symbol)] ?? '',
  }))
  const whole = symbols.length === 5
  const valid = whole && [...symbols].every((symbol) => alphabet.includes(symbol)) && symbols !== '5XB2H'
  return { state: valid ? 'valid' : whole ? 'invalid' : 'incomplete', symbols, spelling }
}

/** Stands in for the app: shows one scene, saves clicks in memory, and leaves everything else as it is. */
export class Mock implements Backend {
  current: View
  /** Every action, in order, for tests. */
  readonly asked: unknown[] = []
  /** The next outcome is this refusal. */
  refuse: string | null = null
  private push: (view: View) => void = () => undefined

  constructor(scene: string) {
    const found = scenes[scene] ?? scenes['standby']
    if (found === undefined) throw new Error('there are no scenes')
    this.current = structuredClone(found)
  }

  view(): Promise<View> {
    return Promise.resolve(structuredClone(this.current))
  }

  onView(show: (view: View) => void): Promise<void> {
    this.push = show
    return Promise.resolve()
  }

  /** Shows another view as the app would do by itself. */
  show(view: View): void {
    this.current = { ...structuredClone(view), revision: this.current.revision + 1 }
    this.push(structuredClone(this.current))
  }

  candidate(action: CandidateAction): Promise<Outcome> {
    const screen = this.current.screen
    if (screen.name === 'exam' && this.refuse === null) {
      const { question, sheet } = screen.data
      if (action.do === 'choose') {
        question.options.forEach((option, index) => {
          const several = question.item_type === 'multiple_choice'
          if (index === action.option) option.chosen = several ? !option.chosen : true
          else if (!several) option.chosen = false
        })
        question.saved = true
      } else if (action.do === 'flag') {
        question.flagged = action.on
        const cell = sheet[action.position]
        if (cell) cell.flagged = action.on
      } else if (action.do === 'show') {
        question.position = action.position
      } else if (action.do === 'text_size') screen.data.text_size = action.size
    }
    if (screen.name === 'tutorial' && action.do === 'tutorial_step') screen.data.step = action.step
    return this.answer(action)
  }

  seat(action: unknown): Promise<Outcome> {
    return this.answer(action)
  }

  desk(action: { do: string; tab?: unknown }): Promise<Outcome> {
    const screen = this.current.screen
    if (screen.name === 'desk' && action.do === 'tab') screen.data.tab = action.tab as typeof screen.data.tab
    return this.answer(action)
  }

  painted(): Promise<void> {
    return Promise.resolve()
  }

  codeGroup(_index: number, typed: string): Promise<CodeGroupView> {
    return Promise.resolve(codeGroup(typed))
  }

  private answer(action: unknown): Promise<Outcome> {
    this.asked.push(action)
    const refused = this.refuse === null ? null : { code: this.refuse, args: {} }
    this.refuse = null
    this.current = { ...this.current, revision: this.current.revision + 1 }
    return Promise.resolve({ view: structuredClone(this.current), refused })
  }
}
