import { shallowMount } from '@vue/test-utils'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { ApiError } from '@/api/problem'
import type { Session } from '@/api/types'
import { getSession } from '@/features/session/api'
import { useSession } from '@/features/session/store'
import { i18n } from '@/i18n'
import AppShell from './AppShell.vue'

vi.mock('@/features/session/api', () => ({ getSession: vi.fn() }))

const empty = { template: '<i />' }

async function shell() {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/login', name: 'login', component: empty }, { path: '/servers', component: empty }] })
  await router.push('/servers')
  return { router, view: shallowMount(AppShell, { global: { plugins: [i18n, router, VueQueryPlugin] }, slots: { default: '<b>the page</b>' } }) }
}

beforeEach(() => void setActivePinia(createPinia()))

it.each([
  [false, 1],
  [true, 0],
])('with a password that must be changed: %s, what asks the server is there %i times', async (mustChangePassword, times) => {
  vi.mocked(getSession).mockResolvedValue({ user: { id: 1, username: 'a', mustChangePassword }, permissions: {}, rights: [] } as unknown as Session)
  await useSession().load()
  const { view } = await shell()
  for (const name of ['FleetStrip', 'OperationsButton', 'OperationsDrawer', 'ImageDialogs']) expect(view.findAllComponents({ name }), name).toHaveLength(times)
  expect(view.findAllComponents({ name: 'FirstPassword' })).toHaveLength(1 - times)
})

it('leads to the login when the server says at last that nobody is there', async () => {
  vi.mocked(getSession).mockRejectedValue(new ApiError(401, 'unauthenticated', ''))
  const { router } = await shell()
  await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/login?next=/servers'))
})
