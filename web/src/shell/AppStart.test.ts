import { mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import AppStart from './AppStart.vue'

afterEach(() => void vi.useRealTimers())

it('before the first page there is soon something to see, and later a word on why', async () => {
  vi.useFakeTimers()
  locale.value = 'en'
  const view = mount(AppStart, { global: { plugins: [i18n] } })
  await vi.advanceTimersByTimeAsync(100)
  expect(view.text()).toBe('')
  await vi.advanceTimersByTimeAsync(300)
  expect(view.text()).toBe('Loading')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(view.text()).toContain('has not answered yet')
})
