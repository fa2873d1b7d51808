import type { ErrorInfo, Operation } from '@/api/types'
import { readPhrase } from './phrases'

export interface Failure {
  info: ErrorInfo
  /** Where it is the reason; empty when the operation's title says where. */
  servers: string[]
}

/** Why an operation failed: the first reason of its steps, else its own. */
export function firstFailure({ steps, error }: Operation): Failure | null {
  const first = steps.find((step) => step.error)?.error
  if (!first) return error ? { info: error, servers: [] } : null
  if (steps.length === 1) return { info: first, servers: [] }
  const same = steps.filter((step) => step.error?.code === first.code && step.error.message === first.message)
  return { info: first, servers: [...new Set(same.map((step) => step.serverName))] }
}

/** Ends of a deletion that are not quite what was asked for. */
const NOT_QUITE: readonly (string | undefined)[] = ['unlisted', 'untagged']

/** What an operation that succeeded did otherwise than its title says. */
export function remarks({ kind, status, steps }: Operation): string[] {
  if (kind !== 'delete_image' || status !== 'succeeded') return []
  return steps.map((step) => step.message).filter((message) => NOT_QUITE.includes(readPhrase(message)?.key))
}
