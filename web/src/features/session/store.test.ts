import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { onSessionExpired } from '@/api/client'
import { ApiError } from '@/api/problem'
import type { Session } from '@/api/types'
import { getSession } from './api'
import { useSession } from './store'

vi.mock('./api', () => ({ getSession: vi.fn() }))

const expired = vi.fn()
onSessionExpired(expired)

const session = (verbs: string[], over = {}) =>
  ({ user: { id: 1, username: 'a', mustChangePassword: false, ...over }, permissions: Object.fromEntries(verbs.map((verb) => [verb, true])), rights: [] }) as unknown as Session
const nobody = () => new ApiError(401, 'unauthenticated', '')

beforeEach(() => {
  setActivePinia(createPinia())
  vi.mocked(getSession).mockReset()
  expired.mockReset()
})

describe('the session', () => {
  it('is asked for once, by however many', async () => {
    vi.mocked(getSession).mockResolvedValue(session(['image:pull']))
    const store = useSession()
    await Promise.all([store.load(), store.load()])
    await store.load()
    expect(getSession).toHaveBeenCalledTimes(1)
    expect(store.may('image:pull')).toBe(true)
  })

  it('is asked for again after no answer', async () => {
    vi.mocked(getSession).mockRejectedValueOnce(new TypeError('failed')).mockRejectedValueOnce(nobody())
    const store = useSession()
    await expect(store.load()).rejects.toThrow()
    expect(store.asked).toBe(false)
    await expect(store.load()).resolves.toBeNull()
    expect(store.asked).toBe(true)
  })

  it('brings other rights when it is read again', async () => {
    vi.mocked(getSession).mockResolvedValueOnce(session(['image:pull'])).mockResolvedValueOnce(session([]))
    const store = useSession()
    await store.load()
    await store.refresh()
    expect(store.may('image:pull')).toBe(false)
    expect(expired).not.toHaveBeenCalled()
  })

  it('tells that it has ended when it is read again', async () => {
    vi.mocked(getSession).mockResolvedValueOnce(session([])).mockRejectedValueOnce(nobody())
    const store = useSession()
    await store.load()
    await store.refresh()
    expect(expired).toHaveBeenCalledTimes(1)
  })

  it('is not given back to whoever left while it was read', async () => {
    vi.mocked(getSession).mockResolvedValueOnce(session([])).mockResolvedValueOnce(session(['image:pull']))
    const store = useSession()
    await store.load()
    const refreshed = store.refresh()
    store.expire()
    await refreshed
    expect(store.user).toBeNull()
  })

  it('lets nobody on before a first password is changed', async () => {
    vi.mocked(getSession).mockResolvedValue(session([], { mustChangePassword: true }))
    const store = useSession()
    await store.load()
    expect(store.user).not.toBeNull()
    expect(store.ready).toBe(false)
  })
})
