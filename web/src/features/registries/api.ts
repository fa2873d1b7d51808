import { api, ok } from '@/api/client'
import type { Page, Registry, RegistryBody, RegistryPatch, RegistryTest } from '@/api/types'

interface PageQuery {
  page?: number
  size?: number
}

export function listRegistries(query: PageQuery): Promise<Page<Registry>> {
  return ok(api.GET('/api/v1/registries', { params: { query } }))
}

export function createRegistry(body: RegistryBody): Promise<Registry> {
  return ok(api.POST('/api/v1/registries', { body }))
}

export function updateRegistry(id: number, body: RegistryPatch): Promise<Registry> {
  return ok(api.PATCH('/api/v1/registries/{id}', { params: { path: { id } }, body }))
}

export function removeRegistry(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/registries/{id}', { params: { path: { id } } }))
}

export function testRegistry(id: number): Promise<RegistryTest> {
  return ok(api.POST('/api/v1/registries/{id}/test', { params: { path: { id } } }))
}

export function listRepositories(id: number, query: PageQuery & { q?: string }) {
  return ok(api.GET('/api/v1/registries/{id}/repositories', { params: { path: { id }, query } }))
}

export function listTags(id: number, query: PageQuery & { repository: string; q?: string }) {
  return ok(api.GET('/api/v1/registries/{id}/tags', { params: { path: { id }, query } }))
}
