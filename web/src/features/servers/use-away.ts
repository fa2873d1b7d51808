import { useAllServers } from './all'

/** Tells the servers that do not answer (or are disabled) from the others; one that is not known counts as there. */
export function useAway() {
  const { byId } = useAllServers()
  const isAway = (serverId: number) => (byId.value.get(serverId)?.status ?? 'online') !== 'online'

  /** What of these is on servers that answer, and what is not. */
  function part<On extends { serverId: number }>(all: On[]): { there: On[]; away: On[] } {
    return { there: all.filter(({ serverId }) => !isAway(serverId)), away: all.filter(({ serverId }) => isAway(serverId)) }
  }

  return { isAway, part }
}
