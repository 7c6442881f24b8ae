/** The moment of the last `H:MM` on the site's clock up to now; `null` where that is no time of day. */
export function momentOf(typed: string, nowMs: number, offsetMin: number): number | null {
  const parts = /^(\d{1,2})[:：](\d{2})$/.exec(typed.trim())
  const hours = Number(parts?.[1])
  const minutes = Number(parts?.[2])
  if (parts === null || hours > 23 || minutes > 59) return null
  const day = 86_400_000
  const local = nowMs + offsetMin * 60_000
  const asked = local - (local % day) + (hours * 60 + minutes) * 60_000
  // What lies ahead was yesterday, save for a clock that is a little fast.
  const ahead = asked > local + 60_000
  return (ahead ? asked - day : asked) - offsetMin * 60_000
}
