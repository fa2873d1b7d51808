import { ref, watch } from 'vue'
import type { Server, ServerTest } from '@/api/types'
import { testServer, testWay } from './api'
import { toInput, wayFaults, type ServerForm } from './endpoint'

/** The test of what stands in the form of a server; an answer holds until something else is typed. */
export function useWayTest(form: ServerForm, server: Server | null, attempt: <T>(call: () => Promise<T>) => Promise<T | undefined>) {
  const tested = ref<ServerTest | null>(null)
  /** The way differs from the stored one, and stored secrets never leave the server for a trial. */
  const lacksSecrets = ref(false)

  function forget(): void {
    tested.value = null
    lacksSecrets.value = false
  }
  watch(form, forget)

  /** `known`: secrets for this kind of way are stored. */
  async function test(known: boolean): Promise<void> {
    forget()
    if (wayFaults(form, known).length > 0) return
    const changes = toInput(form, server ?? undefined)
    const stored = server !== null && changes.endpoint === server.endpoint && !changes.tls && !changes.ssh
    lacksSecrets.value = !stored && wayFaults(form, false).length > 0
    if (lacksSecrets.value) return
    // A trial knows nothing of what is stored: everything is said, as of a new server.
    const { endpoint = '', tls, ssh } = toInput(form)
    tested.value = (await attempt(() => (stored ? testServer(server.id) : testWay({ endpoint, tls, ssh })))) ?? null
  }

  return { tested, lacksSecrets, test }
}
