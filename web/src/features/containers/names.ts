import type { Container } from '@/api/types'

/** Two servers may have a container of the same name: what is asked about says which. */
export function namesOnServers(containers: Pick<Container, 'name' | 'serverName'>[]): string {
  return containers.map(({ name, serverName }) => `${name} (${serverName})`).join(', ')
}
