import { QueryClient } from '@tanstack/vue-query'
import { useThrottleFn } from '@vueuse/core'
import { ApiError } from './api/problem'

/** What a repeated request could not change is not repeated. */
function shouldRetry(failures: number, error: unknown): boolean {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) return false
  return failures < 2
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: shouldRetry, staleTime: 5_000, refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
})

/** The lists on screen are read again at most this often, whatever comes in between; the last change is always followed by a reading. */
const LISTS_AT_MOST_EVERY_MS = 800

/** A call that has the lists under these keys read again, seldom when it is called often. */
export function rereading(...keys: string[]): () => Promise<void> {
  return useThrottleFn(
    () => {
      for (const key of keys) void queryClient.invalidateQueries({ queryKey: [key] })
    },
    LISTS_AT_MOST_EVERY_MS,
    true,
  )
}
