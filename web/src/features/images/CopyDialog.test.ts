import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Server } from '@/api/types'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import ServerPicker from '@/ui/ServerPicker.vue'
import { imagesByImage, previewCopy } from './api'
import CopyDialog from './CopyDialog.vue'
import { useImageDialogs, type ImageLike } from './dialogs'

vi.mock('./api', () => ({ imagesByImage: vi.fn(), previewCopy: vi.fn(), copyImage: vi.fn() }))
vi.mock('@/features/servers/api', () => ({ listAllServers: async () => [] }))

enableAutoUnmount(afterEach)

const SOURCE = { id: 7, fullName: 'nginx:1', tag: '1', repository: 'nginx', serverId: 1, serverName: 'hall', size: 4_080_000 } as ImageLike

beforeEach(() => {
  locale.value = 'en'
  setActivePinia(createPinia())
  const placement = (serverId: number, serverName: string, version: number | null) => ({ imageId: serverId === 1 ? 7 : serverId, serverId, serverName, version })
  const placements = [placement(1, 'hall', 1), placement(2, 'rack', 2), placement(3, 'edge', 1), placement(4, 'dock', null)]
  vi.mocked(imagesByImage).mockResolvedValue({ items: [{ fullName: 'nginx:1', placements }] } as never)
  vi.mocked(previewCopy).mockImplementation(async (_id, ids) => ids.map((serverId) => ({ serverId, bytesToSend: 0, bytesTotal: 4_080_000 })) as never)
})

async function show() {
  useImageDialogs().copy = SOURCE
  const wrapper = mount(CopyDialog, { attachTo: document.body, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await flushPromises()
  const picker = wrapper.getComponent(ServerPicker)
  return {
    choose: async (...ids: number[]) => {
      picker.vm.$emit('update:modelValue', ids)
      await vi.waitFor(() => expect(document.querySelector('[data-testid=copy-preview]')?.textContent ?? '').toContain(ids.length ? 'sends' : ''))
      await flushPromises()
    },
    note: (id: number) => picker.props('note')?.({ id } as Server),
    mayStart: () => !document.querySelector<HTMLButtonElement>('[data-testid=copy-submit]')!.disabled,
    start: () => document.querySelector('[data-testid=copy-submit]')!.textContent,
  }
}

it('asks before it takes a tag from another version, and goes on saying so', async () => {
  const dialog = await show()
  await dialog.choose(2)
  expect(dialog.note(2)).toBe('holds another version · sends 0 B of 4.08 MB')
  expect(dialog.mayStart()).toBe(false)
  const consent = document.querySelector<HTMLInputElement>('input[data-testid=copy-replace], [data-testid=copy-replace] input')!
  expect(consent.closest('.el-checkbox')?.textContent).toContain('Replace the other version on rack')
  consent.click()
  await flushPromises()
  expect(dialog.mayStart()).toBe(true)
})

it('asks nothing where the same is held, or nothing yet', async () => {
  const dialog = await show()
  expect([dialog.note(3), dialog.note(4), dialog.note(5)]).toEqual(['holds this already', '', ''])
  await dialog.choose(3, 4)
  expect(document.querySelector('[data-testid=copy-replace]')).toBeNull()
  expect(dialog.mayStart()).toBe(true)
})

it('does not count to no server', async () => {
  const dialog = await show()
  expect(dialog.start()).not.toContain('0')
  expect(dialog.mayStart()).toBe(false)
})
