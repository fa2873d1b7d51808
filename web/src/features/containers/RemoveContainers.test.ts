import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Container } from '@/api/types'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import RemoveContainers from './RemoveContainers.vue'

enableAutoUnmount(afterEach)
beforeEach(() => void (locale.value = 'en'))

const on = (serverName: string) => ({ id: 1, name: 'web-two', serverName }) as Container

async function asked(containers: Container[]): Promise<string> {
  mount(RemoveContainers, { attachTo: document.body, props: { modelValue: true, containers }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await flushPromises()
  return document.querySelector('.el-dialog')?.textContent ?? ''
}

it('says from which servers containers of one name are removed', async () => {
  const text = await asked([on('rack'), on('edge')])
  expect(text).toContain('web-two (rack), web-two (edge)')
  expect(text).toContain('Also their anonymous volumes')
  expect(text).toContain('also those that run')
})

it('speaks of one as of one', async () => {
  expect(await asked([on('rack')])).toContain('Also its anonymous volumes')
})
