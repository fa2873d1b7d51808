import { api, ok } from '@/api/client'
import type { AuditEntry, Page } from '@/api/types'

export interface AuditQuery {
  q?: string
  username?: string
  outcome?: string
  page?: number
  size?: number
}

export function listAudit(query: AuditQuery): Promise<Page<AuditEntry>> {
  return ok(api.GET('/api/v1/audit', { params: { query } }))
}
