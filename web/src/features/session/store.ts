import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { tellExpired } from '@/api/client'
import { ApiError } from '@/api/problem'
import type { Session } from '@/api/types'
import * as calls from './api'
import { holds, holdsEverywhere, type Where } from './rights'

/** Who is logged in, and which verbs they hold anywhere. */
export const useSession = defineStore('session', () => {
  const session = ref<Session | null>(null)
  const asked = ref(false)
  let loading: Promise<Session | null> | undefined

  const user = computed(() => session.value?.user ?? null)
  const mustChangePassword = computed(() => session.value?.user.mustChangePassword === true)

  /** Somebody is logged in and may use the page: before a first password is changed, everything else is refused. */
  const ready = computed(() => session.value !== null && !mustChangePassword.value)

  const rights = computed(() => session.value?.rights ?? [])

  /** Whether a verb such as `image:pull` is held on any server. */
  function may(verb: string): boolean {
    return session.value?.permissions?.[verb] === true
  }

  /** Whether it is held there. */
  function mayOn(verb: string, where: Where): boolean {
    return holds(rights.value, verb, where)
  }

  /** Whether it is held on everything, as servers, users and the catalogue as a whole need it. */
  function mayEverywhere(verb: string): boolean {
    return holdsEverywhere(rights.value, verb)
  }

  /** Who is there; "nobody" is an answer, a server that does not answer is an error. */
  async function ask(): Promise<Session | null> {
    try {
      return await calls.getSession()
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.status === 401) return null
      throw thrown
    }
  }

  /** Asks once who is there; calls while that is under way share it. */
  async function load(): Promise<Session | null> {
    if (asked.value) return session.value
    loading ??= ask().finally(() => (loading = undefined))
    const answer = await loading
    if (asked.value) return session.value
    asked.value = true
    return (session.value = answer)
  }

  /** Asks again: the rights may be others by now, or the session at its end. */
  async function refresh(): Promise<void> {
    const before = session.value
    if (!before) return
    const now = await ask()
    // Somebody logged in or out meanwhile.
    if (session.value !== before) return
    if (!now) tellExpired()
    else if (JSON.stringify(now) !== JSON.stringify(before)) session.value = now
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

  return { session, asked, user, mustChangePassword, ready, rights, may, mayOn, mayEverywhere, load, refresh, logIn, logOut, changePassword, expire }
})
