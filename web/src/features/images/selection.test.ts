import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { ref, type Ref } from 'vue'
import type { Image } from '@/api/types'
import { readImages } from './api'
import { useSelection, type Selection } from './selection'

vi.mock('./api', () => ({ readImages: vi.fn() }))

const image = (id: number, over: Partial<Image> = {}) => ({ id, serverId: 1, status: 'AVAILABLE', ...over }) as Image
const ids = (selection: Selection) => selection.images.value.map(({ id }) => id)

/** What the server has, whatever page is shown. */
let there: Image[] = []
let client: QueryClient

beforeEach(() => {
  there = [image(1), image(2), image(3)]
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  vi.mocked(readImages).mockImplementation(async (asked) => there.filter(({ id }) => asked.some((one) => one.id === id)))
})

function choose(here: Ref<Image[]>): Selection {
  let selection: Selection | undefined
  const setup = () => {
    selection = useSelection(here)
    return () => null
  }
  mount({ setup }, { global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } })
  return selection as Selection
}

it('drops an image that was deleted', async () => {
  const here = ref([image(1), image(2)])
  const selection = choose(here)
  selection.toggleAll()
  there = [image(2), image(3)]
  here.value = [image(2), image(3)]
  await flushPromises()
  expect(ids(selection)).toEqual([2])
})

it('drops all when the list is empty at last', async () => {
  const here = ref([image(1), image(2)])
  const selection = choose(here)
  selection.toggleAll()
  there = []
  here.value = []
  await flushPromises()
  expect(ids(selection)).toEqual([])
})

it('keeps what is only on another page, and drops it when somebody deletes it there', async () => {
  const here = ref([image(1)])
  const selection = choose(here)
  selection.toggleAll()
  here.value = [image(2), image(3)]
  await flushPromises()
  expect(ids(selection)).toEqual([1])

  there = [image(2), image(3)]
  await client.invalidateQueries({ queryKey: ['images'] })
  await flushPromises()
  expect(ids(selection)).toEqual([])
})

it('gives a dialog the images as they are now', async () => {
  const selection = choose(ref([image(1), image(2)]))
  selection.toggleAll()
  there = [image(2, { usedBy: ['web'] })]
  expect(await selection.renew()).toEqual([image(2, { usedBy: ['web'] })])
  expect(ids(selection)).toEqual([2])
})

it('does not take back what was unticked while the server was asked', async () => {
  const selection = choose(ref([image(1), image(2)]))
  selection.toggleAll()
  const renewed = selection.renew()
  selection.toggle(image(1))
  await renewed
  expect(ids(selection)).toEqual([2])
})
