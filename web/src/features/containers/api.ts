import { api, ok } from '@/api/client'
import { toApiError } from '@/api/problem'
import type { Container, ContainerDetail, ContainerForm, ContainerStats, Page } from '@/api/types'

export interface ContainerQuery {
  q?: string
  serverId?: number
  imageId?: number
  softwareId?: number
  state?: string
  page?: number
  size?: number
}

/** What takes a running container from those who use it. */
export type Interruption = 'stop' | 'restart' | 'kill'
export type ContainerVerb = 'start' | Interruption | 'remove'

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

/** Values that look like secrets are hidden by the server unless `reveal` asks for them. */
export function getContainer(id: number, reveal = false): Promise<ContainerDetail> {
  return ok(api.GET('/api/v1/containers/{id}', { params: { path: { id }, query: { reveal } } }))
}

export function changeContainer(id: number, verb: Exclude<ContainerVerb, 'remove'>): Promise<unknown> {
  return ok(api.POST(`/api/v1/containers/{id}/${verb}`, { params: { path: { id } } }))
}

/** The same for many; what came of each is told one by one. */
export async function changeContainers(ids: number[], action: ContainerVerb, options: { force?: boolean; volumes?: boolean } = {}) {
  const { items } = await ok(api.POST('/api/v1/containers/batch', { body: { ids, action, force: options.force ?? false, volumes: options.volumes ?? false } }))
  return items
}

/** The form for a container from an image, filled as far as the image and the catalogue know. */
export function getContainerForm(imageId: number): Promise<ContainerForm> {
  return ok(api.GET('/api/v1/images/{id}/container-form', { params: { path: { id: imageId } } }))
}

/** Names of a server's networks. */
export async function listNetworks(serverId: number): Promise<string[]> {
  const { items } = await ok(api.GET('/api/v1/servers/{id}/networks', { params: { path: { id: serverId }, query: { page: 1, size: 200 } } }))
  return items.map((network) => network.name)
}

export function getStats(id: number): Promise<ContainerStats> {
  return ok(api.GET('/api/v1/containers/{id}/stats', { params: { path: { id } } }))
}

const logsAddress = (id: number, tail: number) => `/api/v1/containers/${id}/logs?tail=${tail}&follow=true`

/** The whole log as a file. */
export const logFile = (id: number) => `/api/v1/containers/${id}/logs?tail=all&download=true`

/** Reads the log as it comes; ends when the stream ends or `signal` fires. */
export async function streamLogs(id: number, tail: number, signal: AbortSignal, take: (text: string) => void): Promise<void> {
  const response = await fetch(logsAddress(id, tail), { signal, credentials: 'same-origin' })
  if (!response.ok) throw toApiError(response.status, await response.json().catch(() => null))
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return
    take(chunk.value)
  }
}
