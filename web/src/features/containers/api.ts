import { api, ok } from '@/api/client'
import { toApiError } from '@/api/problem'
import type { Container, ContainerDetail, ContainerStats, Page } from '@/api/types'

export interface ContainerQuery {
  q?: string
  serverId?: number
  imageId?: number
  softwareId?: number
  state?: string
  page?: number
  size?: number
}

export type ContainerVerb = 'start' | 'stop' | 'restart' | 'kill'

export function listContainers(query: ContainerQuery): Promise<Page<Container>> {
  return ok(api.GET('/api/v1/containers', { params: { query } }))
}

/** Every container of a server, for checks of names and ports. */
export async function listContainersOf(serverId: number): Promise<Container[]> {
  const all: Container[] = []
  for (let page = 1; ; page += 1) {
    const { items, total } = await listContainers({ serverId, page, size: 200 })
    all.push(...items)
    if (items.length === 0 || all.length >= total) return all
  }
}

export function getContainer(id: number): Promise<ContainerDetail> {
  return ok(api.GET('/api/v1/containers/{id}', { params: { path: { id } } }))
}

export function changeContainer(id: number, verb: ContainerVerb): Promise<unknown> {
  return ok(api.POST(`/api/v1/containers/{id}/${verb}`, { params: { path: { id } } }))
}

export function removeContainer(id: number, force: boolean, volumes: boolean): Promise<unknown> {
  return ok(api.DELETE('/api/v1/containers/{id}', { params: { path: { id }, query: { force, volumes } } }))
}

export function getStats(id: number): Promise<ContainerStats> {
  return ok(api.GET('/api/v1/containers/{id}/stats', { params: { path: { id } } }))
}

export const logsAddress = (id: number, tail: number, follow: boolean) => `/api/v1/containers/${id}/logs?tail=${tail}&follow=${follow}`

/** Reads the log as it comes; ends when the stream ends or `signal` fires. */
export async function streamLogs(id: number, tail: number, signal: AbortSignal, take: (text: string) => void): Promise<void> {
  const response = await fetch(logsAddress(id, tail, true), { signal, credentials: 'same-origin' })
  if (!response.ok) throw toApiError(response.status, await response.json().catch(() => null))
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return
    take(chunk.value)
  }
}
