import { onMounted, onUnmounted, shallowRef, type ShallowRef } from 'vue'
import { useMachine } from './machine.ts'

/** The exam clock in milliseconds, renewed shortly after each of its full seconds. */
export function useExamNow(): Readonly<ShallowRef<number>> {
  const machine = useMachine()
  const now = shallowRef(machine.examNow())
  let timer = 0
  const tick = () => {
    now.value = machine.examNow()
    timer = window.setTimeout(tick, 1010 - (now.value % 1000))
  }
  onMounted(tick)
  onUnmounted(() => window.clearTimeout(timer))
  return now
}

/** Hours, minutes and seconds that are left, rounded up, so that 0:00:00 means that the time is over. */
export function timeLeft(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000))
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

/** Minutes and seconds, such as 3:12; for waits and outages. */
export function shortSpan(spanMs: number): string {
  const seconds = Math.max(0, Math.round(spanMs / 1000))
  return seconds >= 3600 ? timeLeft(spanMs) : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
}

/** Parts of a moment at the site, whose offset comes from the view: the window's own time zone has no say. */
export function siteTime(ms: number, offsetMin: number) {
  const at = new Date(ms + offsetMin * 60_000)
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    weekday: at.getUTCDay(),
    minute: `${at.getUTCHours()}:${two(at.getUTCMinutes())}`,
    second: `${at.getUTCHours()}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`,
  }
}

function two(n: number): string {
  return n.toString().padStart(2, '0')
}
