import { flushPromises, mount } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import Pager from './Pager.vue'

beforeEach(() => void (locale.value = 'en'))

async function shown(page: number, size: number): Promise<string> {
  const pager = mount(Pager, { props: { page, size, total: 14 }, global: { plugins: [i18n] } })
  await flushPromises()
  return pager.text()
}

it('tells which rows a page holds', async () => {
  expect(await shown(2, 5)).toContain('6–10 of 14')
  expect(await shown(3, 5)).toContain('11–14 of 14')
})

it('counts no rows on a page beyond the last one', async () => {
  const text = await shown(9, 5)
  expect(text).toContain('14 in all')
  expect(text).not.toContain('–')
})

it('names a size of which it has no choice', async () => {
  expect(await shown(1, 5)).toContain('5 per page')
})
