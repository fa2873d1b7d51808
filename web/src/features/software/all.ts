import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import type { Software } from '@/api/types'
import { listSoftware } from './api'

const CATALOGUE_CHANGES_RARELY_MS = 300_000

/** The whole catalogue: a few dozen entries that pickers need. */
export function useSoftware() {
  const query = useQuery({ queryKey: ['software', 'all'], queryFn: () => listSoftware({ page: 1, size: 200 }), staleTime: CATALOGUE_CHANGES_RARELY_MS })
  const software = computed<Software[]>(() => query.data.value?.items ?? [])
  const byId = computed(() => new Map(software.value.map((entry) => [entry.id, entry])))
  return { query, software, byId }
}
