/** Making a formatter takes far longer than using it, and lists have hundreds of times. */
function cached<Format>(make: (locale: string) => Format): (locale: string) => Format {
  const known = new Map<string, Format>()
  return (locale) => {
    const format = known.get(locale) ?? make(locale)
    known.set(locale, format)
    return format
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Bytes as Docker shows them: powers of 1000, three significant digits. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes) || bytes < 0) return '–'
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

const counts = cached((locale) => new Intl.NumberFormat(locale))

/** A number as the page's language writes it. */
export function formatCount(count: number, locale: string): string {
  return counts(locale).format(count)
}

export function formatSpeed(bytesPerSecond: number | null | undefined): string {
  return bytesPerSecond ? `${formatBytes(bytesPerSecond)}/s` : ''
}

/** `sha256:0123…` as its first twelve hex digits, as `docker images` shows ids. */
export function shortDigest(digest: string | null | undefined): string {
  if (!digest) return ''
  const at = digest.indexOf(':')
  return digest.slice(at + 1, at + 13)
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

const relative = cached((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }))
const absolute = cached((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }))

/** "3 minutes ago" in the given language; below a minute "now". */
export function formatAgo(time: string | null | undefined, now: number, locale: string): string {
  if (!time) return '–'
  const seconds = (Date.parse(time) - now) / 1000
  if (Number.isNaN(seconds)) return '–'
  const format = relative(locale)
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit)
  }
  // Intl says 现在, people say 刚刚.
  return locale.startsWith('zh') ? '刚刚' : format.format(0, 'second')
}

export function formatTime(time: string | null | undefined, locale: string): string {
  if (!time) return '–'
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return '–'
  return absolute(locale).format(date)
}

/** `0.4 s`, then seconds as `m:ss` or `h:mm:ss`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`
  const total = Math.max(0, Math.round(milliseconds / 1000))
  const seconds = String(total % 60).padStart(2, '0')
  const minutes = Math.floor(total / 60)
  if (minutes < 60) return `${minutes}:${seconds}`
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${seconds}`
}
