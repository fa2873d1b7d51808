import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { listContainersOf } from '../api'
import { useNeighbours } from './neighbours'

vi.mock('../api', () => ({ listContainersOf: vi.fn(async (id: number) => [{ name: `on-${id}` }]) }))

it('looks at the servers that are chosen, and at no other', async () => {
  const chosen = ref([2])
  let neighbours: ReturnType<typeof useNeighbours> | undefined
  mount({ setup: () => void (neighbours = useNeighbours(chosen)), render: () => null }, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await flushPromises()
  expect(neighbours?.value.map(({ name }) => name)).toEqual(['on-2'])
  chosen.value = [2, 3]
  await flushPromises()
  expect(neighbours?.value.map(({ name }) => name)).toEqual(['on-2', 'on-3'])
  expect(vi.mocked(listContainersOf).mock.calls.map(([id]) => id)).toEqual([2, 3])
})
