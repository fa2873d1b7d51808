import { useQueries } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { listContainersOf } from '../api'

/** The containers of every server that is chosen: beside them a new one has to fit in. */
export function useNeighbours(serverIds: Ref<number[]>) {
  return useQueries({
    queries: computed(() => serverIds.value.map((id) => ({ queryKey: ['containers', 'of', id], queryFn: () => listContainersOf(id) }))),
    combine: (servers) => servers.flatMap((containers) => containers.data ?? []),
  })
}
