import { inject, type InjectionKey, type ShallowRef } from 'vue'
import type { ClockView, CodeGroupView, DeskAction, LinkState, Notice, Refused } from './bindings.ts'

/** What the desk of a terminal and the management station can both be asked for, in the same words. */
export type MachineAction = Extract<
  DeskAction,
  {
    do: 'pull' | 'courier_import' | 'courier_export' | 'select' | 'check_equipment' | 'unlock' | 'log_out'
  }
>

/** What every page of a machine stands on, a terminal's as well as the station's, so that both share their parts. */
export interface Machine {
  /** `null` before the first view came; so are the two below. */
  readonly clock: ClockView | null
  readonly banner: Notice | null
  readonly link: LinkState | null
  /** What a stopped program is known by. */
  readonly about: { name: string; version: string }
  /** False while the page only shows, such as after nobody has touched it for long. */
  readonly mayWork: boolean
  /** Why the last action was refused; gone with the next action or the next screen. */
  readonly refused: ShallowRef<Refused | null>
  /** Number of actions on their way, so that a form can wait. */
  readonly busy: ShallowRef<number>
  /** Exam time in milliseconds at this moment, or 0 before the first view. */
  examNow(): number
  codeGroup(index: number, typed: string): Promise<CodeGroupView>
  /** True when the action was carried out; so are the two below. */
  work(action: MachineAction): Promise<boolean>
  logIn(staffId: string, password: string): Promise<boolean>
  enrol(name: string): Promise<boolean>
  /** Writes the request to be enrolled to a stick. */
  enrolByStick(name: string, folder: string): Promise<boolean>
}

export const machineKey: InjectionKey<Machine> = Symbol('machine')

export function useMachine(): Machine {
  const machine = inject(machineKey)
  if (machine === undefined) throw new Error('the page was mounted without its machine')
  return machine
}
