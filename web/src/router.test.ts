import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'
import { getSession } from './features/session/api'
import { router } from './router'

vi.mock('./features/session/api', () => ({ getSession: vi.fn() }))

beforeEach(() => void setActivePinia(createPinia()))

it('links lead on while the server does not answer who is there', async () => {
  vi.mocked(getSession).mockRejectedValueOnce(new TypeError('failed'))
  await router.push('/no/such/page')
  expect(router.currentRoute.value.name).toBe('missing')
  vi.mocked(getSession).mockImplementation(() => new Promise(() => undefined))
  await router.push('/no/other/page')
  expect(router.currentRoute.value.path).toBe('/no/other/page')
})
