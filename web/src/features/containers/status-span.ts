export interface Span {
  count: number
  unit: 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year'
}

const ROUGH: Record<string, Span> = {
  'less than a second': { count: 1, unit: 'second' },
  'about a minute': { count: 1, unit: 'minute' },
  'about an hour': { count: 1, unit: 'hour' },
}

/** How engines write a length of time: `10 minutes`, `About an hour`. */
function readSpan(text: string): Span | null {
  const match = /^(\d+) (second|minute|hour|day|week|month|year)s?$/.exec(text)
  return match ? { count: Number(match[1]), unit: match[2] as Span['unit'] } : (ROUGH[text.toLowerCase()] ?? null)
}

/** Since when a container runs, or how long ago it ended, as the engine's line says it; null for a line of another form. */
export function readStatusSpan(status: string): { running: boolean; span: Span } | null {
  const up = /^Up (?<span>.+?)(?: \(.*\))?$/.exec(status)
  const exited = /^(?:Exited|Restarting) \(-?\d+\) (?<span>.+) ago$/.exec(status)
  const span = readSpan((up ?? exited)?.groups?.span ?? '')
  return span && { running: up !== null, span }
}
