import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { beforeEach, expect, it } from 'vitest'
import type { Server } from '@/api/types'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import ServerRow from './ServerRow.vue'

beforeEach(() => void (locale.value = 'en'))

function shown(over: Partial<Server>) {
  const server = { id: 1, name: 'rack', tags: [], status: 'online', warnings: [], endpoint: 'tcp://rack', imageCount: 0, totalSize: 0, lastSyncAt: null, ...over } as unknown as Server
  return mount(ServerRow, { props: { server }, global: { plugins: [i18n, createPinia(), [VueQueryPlugin, { queryClient: new QueryClient() }]], stubs: { RouterLink: true } } })
}

it('does not count the images of a server that was never looked at', () => {
  expect(shown({}).get('[data-testid=server-images]').text()).toBe('–images not known')
  expect(shown({ lastSyncAt: '2026-01-01T00:00:00Z' }).get('[data-testid=server-images]').text()).toContain('0')
})

it('says until which day a certificate is valid', () => {
  const tls = { cert: { subject: 'CN=rack', notAfter: '2027-03-04T12:00:00Z' } } as unknown as Server['tls']
  expect(shown({ tls }).text()).toContain('valid until Mar 4, 2027')
})
