import { api, ok } from '@/api/client'
import type { NewUser, Page, Role, User, UserChange } from '@/api/types'

export function listUsers(query: { q?: string; page?: number; size?: number }): Promise<Page<User>> {
  return ok(api.GET('/api/v1/users', { params: { query } }))
}

export function createUser(body: NewUser): Promise<User> {
  return ok(api.POST('/api/v1/users', { body }))
}

export function updateUser(id: number, change: Partial<UserChange>): Promise<User> {
  // What is left out stays; the generated type asks for every field that has a default.
  return ok(api.PATCH('/api/v1/users/{id}', { params: { path: { id } }, body: change as UserChange }))
}

export function removeUser(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } }))
}

export function listRoles(): Promise<Page<Role>> {
  return ok(api.GET('/api/v1/roles'))
}

export function createRole(body: { name: string; verbs: Role['verbs'] }): Promise<Role> {
  return ok(api.POST('/api/v1/roles', { body }))
}

export function updateRole(name: string, verbs: Role['verbs']): Promise<Role> {
  return ok(api.PATCH('/api/v1/roles/{name}', { params: { path: { name } }, body: { verbs } }))
}

export function removeRole(name: string): Promise<unknown> {
  return ok(api.DELETE('/api/v1/roles/{name}', { params: { path: { name } } }))
}
