import { useEventListener, useIntervalFn, useThrottleFn } from '@vueuse/core'
import { watch } from 'vue'
import { onRefused } from '@/api/client'
import { liveState } from '@/events/socket'
import { useOperations } from '@/features/operations/store'
import { queryClient } from '@/query'
import { useSession } from './store'

/** Nothing tells the page that rights have changed. It asks now and then, and whenever there is a reason to. */
const EVERY_MS = 30_000
const AT_MOST_EVERY_MS = 3_000

/** Keeps the rights that the page goes by fresh, and has everything on screen read again when they have changed. */
export function useFreshRights(): void {
  const session = useSession()
  const operations = useOperations()
  const look = useThrottleFn(() => session.refresh().catch(() => undefined), AT_MOST_EVERY_MS, true)

  useIntervalFn(look, EVERY_MS)
  useEventListener(window, 'focus', look)
  onRefused(() => void look())
  // A connection that breaks may have been ended with the session; while it was broken, anything may have changed.
  watch(liveState, (now, before) => {
    if (now === 'lost' || before === 'lost') void look()
  })

  watch(
    () => (session.ready ? { user: session.user?.id, rights: JSON.stringify([session.session?.permissions, session.rights]) } : null),
    (now, before) => {
      if (!now || !before || now.user !== before.user || now.rights === before.rights) return
      void queryClient.invalidateQueries()
      void operations.restore().catch(() => undefined)
    },
  )
}
