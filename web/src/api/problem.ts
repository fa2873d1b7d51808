import type { FieldError, Problem } from './types'

/** A failed call: the stable code, a sentence and, where one exists, a hint what to check. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
    /** Which fields of the request are wrong, as the API names them. */
    readonly fields: FieldError[] = [],
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

function isProblem(body: unknown): body is Partial<Problem> {
  return typeof body === 'object' && body !== null && ('code' in body || 'detail' in body || 'title' in body)
}

/** What the server said, or what the lack of an answer means. */
export function toApiError(status: number, body: unknown): ApiError {
  if (isProblem(body)) {
    return new ApiError(status, body.code ?? `http_${status}`, body.detail ?? body.title ?? '', body.hint ?? undefined, body.errors ?? [])
  }
  return new ApiError(status, `http_${status}`, '')
}

/** Any thrown value as an `ApiError`; a fetch that never got an answer becomes `unreachable`. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof TypeError) return new ApiError(0, 'unreachable', '')
  return new ApiError(0, 'unexpected', thrown instanceof Error ? thrown.message : String(thrown))
}
