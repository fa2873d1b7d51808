import type { Container } from '@/api/types'

/** What the engine's line says beside the state: `Exited (3) 5 minutes ago`, `Up 2 hours (healthy)`. Its durations are those of the last look. */
export function readStatus({ status }: Pick<Container, 'status'>): { exitCode: number | null; health: 'healthy' | 'unhealthy' | 'starting' | null } {
  const exit = /^(?:Exited|Restarting) \((-?\d+)\)/.exec(status)
  const health = /\((?:health: )?(healthy|unhealthy|starting)\)$/.exec(status)
  return { exitCode: exit ? Number(exit[1]) : null, health: (health?.[1] as 'healthy' | 'unhealthy' | 'starting' | undefined) ?? null }
}
