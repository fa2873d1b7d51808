import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ok } from '@/api/client'
import type { Session } from '@/api/types'
import { liveState } from '@/events/socket'
import { listOperations } from '@/features/operations/api'
import { queryClient } from '@/query'
import { getSession } from './api'
import { useFreshRights } from './fresh-rights'
import { useSession } from './store'

vi.mock('./api', () => ({ getSession: vi.fn() }))
vi.mock('@/features/operations/api', () => ({ listOperations: vi.fn() }))

const session = (...verbs: string[]) => ({ user: { id: 1, username: 'a' }, permissions: Object.fromEntries(verbs.map((verb) => [verb, true])), rights: [] }) as unknown as Session
/** How often everything on screen was told to be read again. */
let reread = 0
let page: ReturnType<typeof mount>

beforeEach(async () => {
  vi.useFakeTimers()
  setActivePinia(createPinia())
  reread = 0
  vi.spyOn(queryClient, 'invalidateQueries').mockImplementation(async () => void (reread += 1))
  vi.mocked(listOperations).mockReset().mockResolvedValue({ items: [], total: 0, page: 1, size: 200 })
  vi.mocked(getSession).mockReset().mockResolvedValueOnce(session('image:pull'))
  await useSession().load()
  page = mount({ setup: useFreshRights, template: '<i />' })
  vi.mocked(getSession).mockResolvedValue(session('image:view'))
  await vi.advanceTimersByTimeAsync(5_000)
})
afterEach(() => {
  page.unmount()
  liveState.value = 'off'
  vi.useRealTimers()
})

/** Whether the page goes by the new rights, and has read again what they decide of. */
async function expectFresh(): Promise<void> {
  await vi.advanceTimersByTimeAsync(10)
  expect(useSession().may('image:pull')).toBe(false)
  expect(reread).toBe(1)
  expect(listOperations).toHaveBeenCalledTimes(1)
}

it('rights are read again when the server refuses something', async () => {
  const response = new Response(null, { status: 403 })
  await ok(Promise.resolve({ error: { code: 'forbidden', detail: 'No.' }, response })).catch(() => undefined)
  await expectFresh()
})

it('a registry that refuses says nothing of the rights', async () => {
  const response = new Response(null, { status: 403 })
  await ok(Promise.resolve({ error: { code: 'registry_denied', detail: 'No.' }, response })).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(10)
  expect(getSession).toHaveBeenCalledTimes(1)
})

it('rights are read again when the connection broke', async () => {
  liveState.value = 'lost'
  await expectFresh()
})

it('rights are read again when somebody comes back to the page', async () => {
  window.dispatchEvent(new Event('focus'))
  await expectFresh()
})

it('rights are read again by and by; nothing else is while they stay', async () => {
  await vi.advanceTimersByTimeAsync(30_000)
  await expectFresh()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(reread).toBe(1)
})
