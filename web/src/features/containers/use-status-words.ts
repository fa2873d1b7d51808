import { useI18n } from 'vue-i18n'
import { locale } from '@/preferences'
import { readStatus } from './state'
import { readStatusSpan } from './status-span'

/** Says the engine's line about a container in the chosen language; engines speak English by themselves. */
export function useStatusWords() {
  const { t } = useI18n()

  function say(status: string): string {
    const read = locale.value === 'en' ? null : readStatusSpan(status)
    if (!read) return status
    const { count, unit } = read.span
    const time = new Intl.NumberFormat(locale.value, { style: 'unit', unit, unitDisplay: 'long' }).format(count)
    const { exitCode, health } = readStatus({ status })
    const words = [t(read.running ? 'containers.upFor' : 'containers.endedAgo', { time })]
    if (exitCode !== null) words.push(t('containers.exitedWith', { code: exitCode }))
    if (health) words.push(t(`containers.health.${health}`))
    return words.join(' · ')
  }

  return { say }
}
