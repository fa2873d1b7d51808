import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import type { Server } from '@/api/types'
import { listAllServers } from './api'

const LOOK_EVERY_MS = 20_000

/** Every server, by id too; one query shared by all who need it. */
export function useAllServers() {
  const query = useQuery({ queryKey: ['servers', 'all'], queryFn: listAllServers, refetchInterval: LOOK_EVERY_MS })
  const servers = computed<Server[]>(() => query.data.value ?? [])
  const byId = computed(() => new Map(servers.value.map((server) => [server.id, server])))
  const tags = computed(() => [...new Set(servers.value.flatMap((server) => server.tags))].sort())
  return { query, servers, byId, tags }
}
