import { api, ok } from '@/api/client'
import type { Operation, OperationKind, OperationStatus, Page } from '@/api/types'

export interface OperationQuery {
  active?: boolean
  kind?: OperationKind
  status?: OperationStatus
  serverId?: number
  page?: number
  size?: number
}

export function listOperations(query: OperationQuery): Promise<Page<Operation>> {
  return ok(api.GET('/api/v1/operations', { params: { query } }))
}

export function getOperation(id: string): Promise<Operation> {
  return ok(api.GET('/api/v1/operations/{id}', { params: { path: { id } } }))
}

export function cancelOperation(id: string): Promise<Operation> {
  return ok(api.POST('/api/v1/operations/{id}/cancel', { params: { path: { id } } }))
}

export function retryOperation(id: string): Promise<Operation> {
  return ok(api.POST('/api/v1/operations/{id}/retry', { params: { path: { id } } }))
}
