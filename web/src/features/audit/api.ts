import { api, ok } from '@/api/client'
import type { AuditEntry, Page } from '@/api/types'

export interface AuditQuery {
  q?: string
  username?: string
  outcome?: string
  serverId?: number
  from?: string
  to?: string
  page?: number
  size?: number
}

export function listAudit(query: AuditQuery): Promise<Page<AuditEntry>> {
  return ok(api.GET('/api/v1/audit', { params: { query } }))
}

/** Where the entries that match are fetched as a file. */
export function auditFile(format: 'csv' | 'jsonl', filter: Omit<AuditQuery, 'page' | 'size'>): string {
  const query = new URLSearchParams({ format })
  for (const [key, value] of Object.entries(filter)) if (value !== undefined && value !== '') query.set(key, String(value))
  return `/api/v1/audit/export?${query.toString()}`
}
