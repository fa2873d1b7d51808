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
const days = cached((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }))

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

function formatWith(format: Intl.DateTimeFormat, time: string | null | undefined): string {
  const date = new Date(time ?? '')
  return Number.isNaN(date.getTime()) ? '–' : format.format(date)
}

export const formatTime = (time: string | null | undefined, locale: string) => formatWith(absolute(locale), time)

/** The day alone. */
export const formatDay = (time: string | null | undefined, locale: string) => formatWith(days(locale), time)

const names = cached((locale) => new Intl.ListFormat(locale, { type: 'conjunction', style: 'narrow' }))

/** Names one after the other, as the language joins them. */
export function formatList(list: string[], locale: string): string {
  return names(locale).format(list)
}

type DurationUnit = 'hour' | 'minute' | 'second'
const units = cached((locale) => {
  const format = (unit: DurationUnit, digits: number) => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow', minimumFractionDigits: digits, maximumFractionDigits: digits })
  return { hour: format('hour', 0), minute: format('minute', 0), second: format('second', 0), tenths: format('second', 1) }
})

/** `0.4s`, `38s`, `2m 5s`, `1h 2m`: the two largest units, in the given language; below ten seconds their tenths. */
export function formatDuration(milliseconds: number, locale: string): string {
  const format = units(locale)
  if (milliseconds < 9_950) return format.tenths.format(Math.max(0, milliseconds) / 1000)
  const total = Math.round(milliseconds / 1000)
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  if (hours) return `${format.hour.format(hours)} ${format.minute.format(minutes)}`
  return minutes ? `${format.minute.format(minutes)} ${format.second.format(seconds)}` : format.second.format(seconds)
}
