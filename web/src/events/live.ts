import { useIntervalFn } from '@vueuse/core'
import { useOperations } from '@/features/operations/store'
import { queryClient, rereading } from '@/query'
import type { FinalEvent } from './payloads'
import { closeSocket, liveState, openSocket } from './socket'

/** How often the page asks by itself while no events arrive. */
const ASK_WHILE_LOST_MS = 4_000

/** What an operation of a kind changes, beside the operations themselves. */
const CHANGES: Record<string, string[]> = {
  export_image: ['exports'],
  create_container: ['containers', 'images'],
}

/** Ties the socket to the operations and to the lists on screen. */
export function useLiveEvents() {
  const operations = useOperations()

  const imagesChanged = rereading('images', 'servers')
  const containersChanged = rereading('containers')

  async function onFinal(event: FinalEvent): Promise<void> {
    await operations.onFinal(event.operationId)
    void queryClient.invalidateQueries({ queryKey: ['operations'] })
    for (const key of CHANGES[event.type] ?? ['images', 'servers', 'containers'])
      void queryClient.invalidateQueries({ queryKey: [key] })
  }

  async function catchUp(): Promise<void> {
    await operations.restore().catch(() => undefined)
    void queryClient.invalidateQueries({ queryKey: ['images'] })
    void queryClient.invalidateQueries({ queryKey: ['operations'] })
  }

  const asking = useIntervalFn(
    () => {
      if (liveState.value === 'lost' && operations.active.length > 0) void operations.restore().catch(() => undefined)
    },
    ASK_WHILE_LOST_MS,
    { immediate: false },
  )

  return {
    open(): void {
      openSocket({
        progress: operations.onProgress,
        final: (event) => void onFinal(event),
        imagesChanged: () => void imagesChanged(),
        containerStatus: () => void containersChanged(),
        connected: () => void catchUp(),
      })
      asking.resume()
    },
    close(): void {
      asking.pause()
      closeSocket()
    },
  }
}
