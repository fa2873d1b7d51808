import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { ElInput, ElSelect } from 'element-plus'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import { testWay } from './api'
import ServerDialog from './ServerDialog.vue'

vi.mock('./api', () => ({ listAllServers: async () => [{ id: 1, name: 'rack', tags: ['prod'] }], testWay: vi.fn(), testServer: vi.fn(), createServer: vi.fn(), updateServer: vi.fn() }))

enableAutoUnmount(afterEach)
beforeEach(() => void (locale.value = 'en'))

async function show() {
  const wrapper = mount(ServerDialog, { attachTo: document.body, props: { server: null }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await flushPromises()
  return wrapper
}
const find = (testid: string) => document.querySelector<HTMLElement>(`[data-testid=${testid}]`)

it('tells what a test came to beside the button that began it', async () => {
  vi.mocked(testWay).mockResolvedValue({ ok: true, engineVersion: 'Docker 28' } as never)
  const dialog = await show()
  dialog.findComponent(ElInput).vm.$emit('update:modelValue', 'rack-9')
  find('test-way')!.click()
  await flushPromises()
  expect(find('way-works')?.closest('.el-dialog__footer')).not.toBeNull()
})

it('begins the next tag anew after one that was chosen', async () => {
  const dialog = await show()
  const tags = dialog.findAllComponents(ElSelect).find((select) => select.props('multiple'))
  expect(tags?.props('reserveKeyword')).toBe(false)
})

it('asks before it throws away what was typed', async () => {
  const dialog = await show()
  const close = () => document.querySelector<HTMLElement>('.el-dialog__headerbtn')!.click()
  dialog.findComponent(ElInput).vm.$emit('update:modelValue', 'half typed')
  await flushPromises()
  close()
  await flushPromises()
  expect(document.body.textContent).toContain('Discard what you have typed?')
  expect(dialog.emitted('closed')).toBeUndefined()
})
