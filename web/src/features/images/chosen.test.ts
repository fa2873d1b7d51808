import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it } from 'vitest'
import type { Image } from '@/api/types'
import { useChosenImages } from './chosen'
import { NO_FILTERS } from './filters'

beforeEach(() => setActivePinia(createPinia()))

function chosenIn(q: string) {
  const kept = useChosenImages()
  kept.shownFor({ ...NO_FILTERS, q }, true)
  kept.chosen.set(1, { id: 1 } as Image)
  return kept
}

it('another view and back, on another page, keeps what was chosen', () => {
  const kept = chosenIn('nginx')
  kept.shownFor({ ...NO_FILTERS, q: 'nginx', page: 3, sort: 'size' }, true)
  expect(kept.chosen.size).toBe(1)
})

it('filters that change under the eyes keep it, those that changed elsewhere do not', () => {
  const kept = chosenIn('nginx')
  kept.shownFor({ ...NO_FILTERS, q: 'redis' }, false)
  expect(kept.chosen.size).toBe(1)
  kept.shownFor({ ...NO_FILTERS, q: 'postgres' }, true)
  expect(kept.chosen.size).toBe(0)
})
