import { api, ok } from '@/api/client'
import type { Export, Page } from '@/api/types'

export function listExports(query: { page?: number; size?: number }): Promise<Page<Export>> {
  return ok(api.GET('/api/v1/exports', { params: { query } }))
}

export function deleteExport(id: string): Promise<unknown> {
  return ok(api.DELETE('/api/v1/exports/{id}', { params: { path: { id } } }))
}

/** The address of the file itself; the browser's own download resumes by Range. */
export const exportFile = (id: string) => `/api/v1/exports/${encodeURIComponent(id)}/file`
