import { computed, reactive, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { ApiError, asApiError } from '@/api/problem'
import { locale } from '@/preferences'
import { asSentence, readClause } from './field-words'
import { useProblemText } from './problem-text'

/** The field of a form that an API's field belongs to: `offPeak.from` and `tags[0]` belong to `offPeak` and `tags`. */
export function ownerOf(field: string, names: string[]): string | undefined {
  return names.filter((name) => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`)).sort((a, b) => b.length - a.length)[0]
}

/**
 * What the server found wrong, at the fields of the form that asked. `fields` gives for each of the API's names what is typed there: a
 * fault goes when that changes. `byCode` names the field that an error without fields is about.
 */
export function useFieldErrors(error: Ref<unknown>, fields: Record<string, () => unknown>, byCode: Record<string, string> = {}) {
  const { t } = useI18n()
  const { fromThrown } = useProblemText()
  const names = Object.keys(fields)
  const found = reactive(new Map<string, { message: string } | { thrown: ApiError }>())

  watch(
    error,
    (thrown) => {
      found.clear()
      if (!thrown) return
      const problem = asApiError(thrown)
      for (const { field, message } of problem.fields) {
        const name = ownerOf(field, names)
        if (name && !found.has(name)) found.set(name, { message })
      }
      const name = byCode[problem.code]
      if (name && problem.fields.length === 0) found.set(name, { thrown: problem })
    },
    { flush: 'sync' },
  )
  for (const [name, value] of Object.entries(fields)) watch(value, () => found.delete(name))

  function say(message: string): string {
    const clause = locale.value === 'en' ? null : readClause(message)
    return clause ? t(`fieldFault.${clause.key}`, clause.values) : asSentence(message)
  }

  /** What the server found wrong with that field, or nothing. */
  function fault(name: string): string {
    const known = found.get(name)
    if (!known) return ''
    return 'message' in known ? say(known.message) : fromThrown(known.thrown).sentence
  }

  /** What cannot be shown at a field, for the note below the form. */
  const rest = computed<unknown>(() => {
    if (!error.value) return null
    const problem = asApiError(error.value)
    if (problem.fields.length === 0) return byCode[problem.code] ? null : error.value
    const others = problem.fields.filter(({ field }) => !ownerOf(field, names))
    if (others.length === 0) return null
    return new ApiError(problem.status, problem.code, others.map(({ field, message }) => `${field}: ${say(message)}`).join(' '), problem.hint)
  })

  return { fault, rest }
}
