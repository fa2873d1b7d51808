import { useDebounceFn } from '@vueuse/core'
import { ref, watch } from 'vue'

/** Long enough to type a word, short enough to feel at once. */
const TYPING_PAUSE_MS = 220

/** A search field whose words stand in the URL: what is typed goes there after a pause, and back and forward come here. */
export function useSearchField(current: () => string, apply: (q: string) => void) {
  const typed = ref(current())
  let sent = typed.value

  // The URL follows what was sent a moment ago; only a change from elsewhere may touch what is being typed.
  watch(current, (q) => {
    if (q === sent) return
    sent = q
    typed.value = q
  })

  const search = useDebounceFn(() => {
    const q = typed.value.trim()
    if (q === current()) return
    sent = q
    apply(q)
  }, TYPING_PAUSE_MS)

  return { typed, search }
}
