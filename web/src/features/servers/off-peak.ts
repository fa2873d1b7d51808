import type { Server } from '@/api/types'

type Window = NonNullable<Server['offPeak']>

/** The off-peak hours of these servers, when every one of them has some: asking for them elsewhere is an error. */
export function sharedWindows(servers: (Pick<Server, 'offPeak'> | undefined)[]): Window[] {
  const windows = servers.flatMap((server) => server?.offPeak ?? [])
  return windows.length === servers.length ? windows : []
}
