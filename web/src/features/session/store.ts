import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { ApiError } from '@/api/problem'
import type { Session } from '@/api/types'
import * as calls from './api'

/** Who is logged in, and which verbs they hold anywhere. */
export const useSession = defineStore('session', () => {
  const session = ref<Session | null>(null)
  const asked = ref(false)

  const user = computed(() => session.value?.user ?? null)
  const mustChangePassword = computed(() => session.value?.user.mustChangePassword === true)

  /** Whether a verb such as `image:pull` is held on any server. */
  function may(verb: string): boolean {
    return session.value?.permissions?.[verb] === true
  }

  /** Asks once who is there; "nobody" is an answer, a server that does not answer is an error. */
  async function load(): Promise<Session | null> {
    if (asked.value) return session.value
    try {
      session.value = await calls.getSession()
    } catch (thrown) {
      if (!(thrown instanceof ApiError && thrown.status === 401)) throw thrown
      session.value = null
    }
    asked.value = true
    return session.value
  }

  async function logIn(username: string, password: string): Promise<void> {
    session.value = await calls.logIn(username, password)
    asked.value = true
  }

  async function logOut(): Promise<void> {
    await calls.logOut().catch(() => undefined)
    session.value = null
  }

  async function changePassword(current: string, next: string): Promise<void> {
    const username = session.value?.user.username ?? ''
    await calls.changePassword(current, next)
    // A new password ends every session of the account, this one too.
    session.value = await calls.logIn(username, next)
  }

  function expire(): void {
    session.value = null
  }

  return { session, user, mustChangePassword, may, load, logIn, logOut, changePassword, expire }
})
