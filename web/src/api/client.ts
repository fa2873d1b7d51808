import createClient from 'openapi-fetch'
import { toApiError } from './problem'
import type { paths } from './schema'

export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })

type Listener = () => void
const expired = new Set<Listener>()
const refused = new Set<Listener>()
/** What those are told who ask for more than they may by now. */
const REFUSALS = new Set(['forbidden', 'password_change_required'])

/** Runs `listener` whenever the server says that there is no session (any more). */
export function onSessionExpired(listener: Listener): void {
  expired.add(listener)
}

export function tellExpired(): void {
  expired.forEach((listener) => listener())
}

/** Runs `listener` whenever the server refuses what the session may not do. */
export function onRefused(listener: Listener): void {
  refused.add(listener)
}

/** The data of a call, or an `ApiError` thrown. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call
  if (response.ok) return data as T
  if (response.status === 401 && !response.url.endsWith('/api/v1/session')) tellExpired()
  const thrown = toApiError(response.status, error)
  if (response.status === 403 && REFUSALS.has(thrown.code)) refused.forEach((listener) => listener())
  throw thrown
}
