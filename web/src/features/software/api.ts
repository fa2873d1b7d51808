import { api, ok } from '@/api/client'
import type { Page, Software, SoftwareBody, SoftwareFile, SoftwarePatch } from '@/api/types'

export interface SoftwareQuery {
  q?: string
  page?: number
  size?: number
}

export function listSoftware(query: SoftwareQuery): Promise<Page<Software>> {
  return ok(api.GET('/api/v1/software', { params: { query } }))
}

/** Own entries as one file, as `importSoftware` takes it. */
export const exportAddress = '/api/v1/software/export'

export function importSoftware(body: SoftwareFile) {
  return ok(api.POST('/api/v1/software/import', { body }))
}

export function createSoftware(body: SoftwareBody): Promise<Software> {
  return ok(api.POST('/api/v1/software', { body }))
}

export function updateSoftware(id: number, body: SoftwarePatch): Promise<Software> {
  return ok(api.PATCH('/api/v1/software/{id}', { params: { path: { id } }, body }))
}

export function removeSoftware(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/software/{id}', { params: { path: { id } } }))
}
