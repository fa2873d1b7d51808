import { useI18n } from 'vue-i18n'
import { asApiError } from '@/api/problem'
import type { ErrorInfo } from '@/api/types'
import { locale } from '@/preferences'

export interface ProblemText {
  code: string
  sentence: string
  /** The server's own words, where the sentence is a translation. */
  original: string
  hint: string
}

/** Words for an error in the chosen language; what the server said where it is more exact. */
export function useProblemText() {
  const { t, te } = useI18n()

  function fromInfo(info: ErrorInfo): ProblemText {
    const key = `errors.${info.code}`
    const known = te(key, locale.value)
    // The server speaks English and names the particulars; a translation stands in front of it, never instead of it.
    if (info.message && (locale.value === 'en' || !known)) {
      return { code: info.code, sentence: info.message, original: '', hint: info.hint ?? '' }
    }
    return {
      code: info.code,
      sentence: known ? t(key) : t('errors.unexpected'),
      // The same sentence in English tells nothing that the translation does not.
      original: known && info.message === t(key, {}, { locale: 'en' }) ? '' : info.message,
      hint: info.hint && te(`hints.${info.code}`, locale.value) ? t(`hints.${info.code}`) : (info.hint ?? ''),
    }
  }

  function fromThrown(thrown: unknown): ProblemText {
    const error = asApiError(thrown)
    return fromInfo({ code: error.code, message: error.message, hint: error.hint })
  }

  return { fromInfo, fromThrown }
}
