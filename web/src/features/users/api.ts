import { api, ok } from '@/api/client'
import type { Page, Role, User, UserInput } from '@/api/types'

export function listUsers(query: { q?: string; page?: number; size?: number }): Promise<Page<User>> {
  return ok(api.GET('/api/v1/users', { params: { query } }))
}

export function createUser(body: UserInput): Promise<User> {
  return ok(api.POST('/api/v1/users', { body }))
}

export function updateUser(id: number, body: UserInput): Promise<User> {
  return ok(api.PATCH('/api/v1/users/{id}', { params: { path: { id } }, body }))
}

export function removeUser(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } }))
}

export function listRoles(): Promise<Page<Role>> {
  return ok(api.GET('/api/v1/roles'))
}

export function createRole(body: Role): Promise<Role> {
  return ok(api.POST('/api/v1/roles', { body }))
}

export function updateRole(name: string, body: Role): Promise<Role> {
  return ok(api.PATCH('/api/v1/roles/{name}', { params: { path: { name } }, body }))
}

export function removeRole(name: string): Promise<unknown> {
  return ok(api.DELETE('/api/v1/roles/{name}', { params: { path: { name } } }))
}
