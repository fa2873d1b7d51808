import { api, ok } from '@/api/client'
import type { Page, Server, ServerBody, ServerPatch, ServerStatus, ServerTest } from '@/api/types'

const PAGE = 200

export interface ServerQuery {
  q?: string
  status?: ServerStatus
  tag?: string
  page?: number
  size?: number
}

export function listServers(query: ServerQuery): Promise<Page<Server>> {
  return ok(api.GET('/api/v1/servers', { params: { query } }))
}

/** Every server that may be viewed, page by page: for pickers and the fleet strip. */
export async function listAllServers(): Promise<Server[]> {
  const first = await listServers({ page: 1, size: PAGE })
  const pages = Math.ceil(first.total / PAGE)
  const rest = await Promise.all(
    Array.from({ length: Math.max(0, pages - 1) }, (_, index) => listServers({ page: index + 2, size: PAGE })),
  )
  return [first, ...rest].flatMap((page) => page.items)
}

export function createServer(body: ServerBody): Promise<Server> {
  return ok(api.POST('/api/v1/servers', { body }))
}

export function updateServer(id: number, body: ServerPatch): Promise<Server> {
  return ok(api.PATCH('/api/v1/servers/{id}', { params: { path: { id } }, body }))
}

export function removeServer(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/servers/{id}', { params: { path: { id } } }))
}

/** Tries a way before it is stored. */
export function testWay(body: { endpoint: string } & Pick<ServerBody, 'tls' | 'ssh'>): Promise<ServerTest> {
  return ok(api.POST('/api/v1/servers/test', { body }))
}

export function testServer(id: number): Promise<ServerTest> {
  return ok(api.POST('/api/v1/servers/{id}/test', { params: { path: { id } } }))
}
