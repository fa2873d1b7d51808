import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { Image } from '@/api/types'
import { NO_FILTERS, type ImageFilters } from './filters'

/** The images chosen in the list. Another view or page leaves them chosen; a list of other images, seen anew, does not. */
export const useChosenImages = defineStore('chosen-images', () => {
  const chosen = ref(new Map<number, Image>())
  let narrowedBy = ''

  /** What narrows the list that is shown now. */
  function shownFor(filters: ImageFilters, anew: boolean): void {
    const { page, size, sort } = NO_FILTERS
    const now = JSON.stringify({ ...filters, page, size, sort })
    if (anew && now !== narrowedBy) chosen.value.clear()
    narrowedBy = now
  }

  function clear(): void {
    chosen.value.clear()
  }

  return { chosen, shownFor, clear }
})
