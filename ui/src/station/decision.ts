import { inject, provide, shallowRef, type InjectionKey, type ShallowRef } from 'vue'
import type { SecondPerson } from '../bindings.ts'
import type { Phone, StationAction } from '../station-bindings.ts'

export interface Choice {
  value: string
  label: string
}

/** What a person filled in. Only what was asked for has a meaning. */
export interface Filled {
  reason: string
  minutes: number
  choice: string
  phone: Phone | null
  second: SecondPerson | null
}

/** The same whatever is chosen, or by the choice. */
export type ByChoice<T> = T | ((choice: string) => T)

/** One decision: what it will do, by name and number, what it asks for, and the action that follows. */
export interface Spec {
  test: string
  title: string
  means: ByChoice<readonly string[]>
  /** Names that a sentence would not hold, such as everybody who still answers. */
  names?: ByChoice<readonly string[]>
  action: ByChoice<string>
  danger?: boolean
  /** Sentences that are ready; `undefined` where no reason is asked for. */
  ready?: ByChoice<readonly string[]> | undefined
  minutes?: { most: number }
  choice?:
    { label: string; options: readonly Choice[]; none: string; required: boolean; first?: string } | undefined
  /** Every one has to be ticked. */
  checks?: ByChoice<readonly string[]>
  /** A call to the center may stand in for its order, which follows. */
  phone?: boolean
  second?: boolean
  make(filled: Filled): StationAction
}

interface Decisions {
  open: ShallowRef<Spec | null>
  ask(spec: Spec): void
}

const key: InjectionKey<Decisions> = Symbol('decisions')

/** One dialog at a time, for the whole page. */
export function provideDecisions(): Decisions {
  const open = shallowRef<Spec | null>(null)
  const decisions = { open, ask: (spec: Spec) => (open.value = spec) }
  provide(key, decisions)
  return decisions
}

export function useDecisions(): Decisions {
  const decisions = inject(key)
  if (decisions === undefined) throw new Error('there is no place for a decision')
  return decisions
}
