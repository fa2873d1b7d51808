import { api, ok } from '@/api/client'
import type { Verb } from '@/features/users/verbs'
import type { NewToken, Page, Session, SessionEntry, Token } from '@/api/types'

export function getSession(): Promise<Session> {
  return ok(api.GET('/api/v1/session'))
}

export function logIn(username: string, password: string): Promise<Session> {
  return ok(api.POST('/api/v1/session', { body: { username, password } }))
}

export function logOut(): Promise<unknown> {
  return ok(api.DELETE('/api/v1/session'))
}

export function changePassword(currentPassword: string, newPassword: string): Promise<unknown> {
  return ok(api.POST('/api/v1/session/password', { body: { currentPassword, newPassword } }))
}

export function listSessions(): Promise<Page<SessionEntry>> {
  return ok(api.GET('/api/v1/sessions', { params: { query: { page: 1, size: 200 } } }))
}

export function endSession(id: string): Promise<unknown> {
  return ok(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } }))
}

export function listTokens(): Promise<Page<Token>> {
  return ok(api.GET('/api/v1/tokens', { params: { query: { page: 1, size: 200 } } }))
}

/** A token for all of the user's rights, or for `verbs` alone. */
export function createToken(name: string, expiresAt?: string, verbs?: Verb[]): Promise<NewToken> {
  return ok(api.POST('/api/v1/tokens', { body: { name, expiresAt, verbs } }))
}

export function deleteToken(id: number): Promise<unknown> {
  return ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))
}
