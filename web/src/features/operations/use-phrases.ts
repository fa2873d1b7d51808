import { useI18n } from 'vue-i18n'
import { locale } from '@/preferences'
import { readCount, readPhrase } from './phrases'

/** Says an operation's title or message in the chosen language. */
export function useOperationWords() {
  const { t } = useI18n()

  function say(sentence: string): string {
    // The program speaks English by itself.
    if (locale.value === 'en' || !sentence) return sentence
    const phrase = readPhrase(sentence)
    if (!phrase) return sentence
    const { where, phrase: inner, ...values } = phrase.values
    const servers = where === undefined ? null : readCount(where)
    return t(`phrases.${phrase.key}`, {
      ...values,
      ...(where !== undefined && { where: servers === null ? where : t('phrases.servers', { count: servers }) }),
      ...(inner !== undefined && { phrase: say(inner) }),
    })
  }

  return { say }
}
