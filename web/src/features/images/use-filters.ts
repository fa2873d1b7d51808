import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { isNarrowed, NO_FILTERS, readFilters, writeFilters, type ImageFilters } from './filters'

/** The filters as the URL has them, and the one way to change them. */
export function useImageFilters() {
  const route = useRoute()
  const router = useRouter()
  const filters = computed(() => readFilters(route.query))

  /** Any change but of the page begins at page 1 again; an open detail closes. */
  function change(part: Partial<ImageFilters>): void {
    const page = part.page ?? 1
    void router.push({ query: writeFilters({ ...filters.value, ...part, page }) })
  }

  function clear(): void {
    change({ ...NO_FILTERS, size: filters.value.size, sort: filters.value.sort })
  }

  return { filters, change, clear, narrowed: computed(() => isNarrowed(filters.value)) }
}
