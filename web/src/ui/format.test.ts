import { expect, it } from 'vitest'
import { formatCount, formatDuration } from './format'

it('writes numbers as the page, not as the browser, is set', () => {
  expect(formatCount(12345, 'en')).toBe('12,345')
  expect(formatCount(12345, 'de')).toBe('12.345')
})

it.each([
  [0, '0.0s', '0.0秒'],
  [1_040, '1.0s', '1.0秒'],
  [9_960, '10s', '10秒'],
  [38_000, '38s', '38秒'],
  [125_000, '2m 5s', '2分钟 5秒'],
  [3_725_000, '1h 2m', '1小时 2分钟'],
])('writes a duration of %i ms in one form and in the language of the page', (milliseconds, en, zh) => {
  expect(formatDuration(milliseconds, 'en')).toBe(en)
  expect(formatDuration(milliseconds, 'zh-CN')).toBe(zh)
})
