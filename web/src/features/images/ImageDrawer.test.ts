import { shallowMount } from '@vue/test-utils'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia, setActivePinia } from 'pinia'
import { expect, it, vi } from 'vitest'
import type { Operation } from '@/api/types'
import { getOperation } from '@/features/operations/api'
import { useOperations } from '@/features/operations/store'
import { i18n } from '@/i18n'
import { queryClient } from '@/query'
import { getImage } from './api'
import ImageDrawer from './ImageDrawer.vue'

vi.mock('./api', () => ({ getImage: vi.fn(async (id: number) => ({ id, fullName: 'nginx:1', serverName: 'a' })) }))
vi.mock('@/features/operations/api', () => ({ getOperation: vi.fn(() => new Promise(() => undefined)) }))

it('an image that was deleted here is asked for no more', async () => {
  setActivePinia(createPinia())
  const view = shallowMount(ImageDrawer, { props: { modelValue: 7 }, global: { plugins: [i18n, [VueQueryPlugin, { queryClient }]] } })
  await vi.waitFor(() => expect(getImage).toHaveBeenCalledTimes(1))
  const operations = useOperations()
  operations.follow({ id: 'a', kind: 'delete_image', status: 'running', progress: 0, steps: [{ id: 1, serverId: 1, imageId: 7, status: 'running', progress: 0 }] } as unknown as Operation)
  expect(getOperation).toHaveBeenCalled()
  operations.onProgress({ operationId: 'a', serverId: 1, imageId: 7, progress: 100, status: 'succeeded', seq: 1 })
  await vi.waitFor(() => expect(view.emitted('update:modelValue')).toEqual([[null]]))
  await view.setProps({ modelValue: null })
  await queryClient.invalidateQueries({ queryKey: ['images'] })
  expect(getImage).toHaveBeenCalledTimes(1)

  // Another one under its number, later, is another one.
  await view.setProps({ modelValue: 7 })
  expect(view.emitted('update:modelValue')).toEqual([[null]])
})
