import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useSearchField } from './search-field'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function field() {
  const url = ref('')
  const scope = effectScope()
  const made = scope.run(() => useSearchField(() => url.value, (q) => (url.value = q)))
  if (!made) throw new Error('no scope')
  return { url, scope, ...made }
}

it('never takes letters away from somebody who types on', async () => {
  const { url, typed, search, scope } = field()
  typed.value = 'ngin'
  void search()
  await vi.advanceTimersByTimeAsync(300)
  expect(url.value).toBe('ngin')
  typed.value = 'nginx'
  await nextTick()
  expect(typed.value).toBe('nginx')
  void search()
  await vi.advanceTimersByTimeAsync(300)
  expect(url.value).toBe('nginx')
  scope.stop()
})

it('follows a change from elsewhere', async () => {
  const { url, typed, search, scope } = field()
  typed.value = 'a'
  void search()
  await vi.advanceTimersByTimeAsync(300)
  url.value = ''
  await nextTick()
  expect(typed.value).toBe('')
  scope.stop()
})
