import createClient from 'openapi-fetch'
import { toApiError } from './problem'
import type { paths } from './schema'

export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })

type Listener = () => void
const expired = new Set<Listener>()

/** Runs `listener` whenever the server says that there is no session (any more). */
export function onSessionExpired(listener: Listener): void {
  expired.add(listener)
}

/** The data of a call, or an `ApiError` thrown. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call
  if (response.ok) return data as T
  if (response.status === 401 && !response.url.endsWith('/api/v1/session')) expired.forEach((listener) => listener())
  throw toApiError(response.status, error)
}
