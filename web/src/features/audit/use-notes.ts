import { useI18n } from 'vue-i18n'
import type { AuditEntry } from '@/api/types'
import { readPhrase } from '@/features/operations/phrases'
import { useOperationWords } from '@/features/operations/use-phrases'
import { locale } from '@/preferences'
import { useProblemText } from '@/ui/problem-text'
import { readNotes, splitEnd } from './notes'

/** Says in the chosen language what an entry was about, and what it notes. */
export function useAuditNotes() {
  const { t } = useI18n()
  const { say } = useOperationWords()
  const { fromInfo } = useProblemText()

  function problem(code: string, message: string): string {
    const { sentence, original } = fromInfo({ code, message })
    return [sentence, original].filter(Boolean).join(' ')
  }

  /** The subject of what was done with an operation is its title. */
  const subject = (entry: AuditEntry) => say(entry.subject)

  function detail(entry: AuditEntry): string {
    if (locale.value === 'en' || !entry.detail) return entry.detail
    const end = entry.action === 'operation.end' ? splitEnd(entry.detail, (text) => readPhrase(text) !== null) : null
    if (end) return t('audit.ended', { title: say(end.title), told: entry.code ? problem(entry.code, end.told) : say(end.told) })
    if (entry.code) return problem(entry.code, entry.detail)
    const notes = readNotes(entry.detail)
    return notes ? notes.map(({ key, values }) => t(`audit.notes.${key}`, values)).join(t('audit.between')) : entry.detail
  }

  return { subject, detail }
}
