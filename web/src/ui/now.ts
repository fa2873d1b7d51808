import { useIntervalFn } from '@vueuse/core'
import { ref } from 'vue'

const RENEWED_EVERY_MS = 20_000

/** The time of day for "3 minutes ago". */
export const now = ref(Date.now())
useIntervalFn(() => (now.value = Date.now()), RENEWED_EVERY_MS)
