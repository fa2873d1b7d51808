import { expect, it } from 'vitest'
import { formatCount } from './format'

it('writes numbers as the page, not as the browser, is set', () => {
  expect(formatCount(12345, 'en')).toBe('12,345')
  expect(formatCount(12345, 'de')).toBe('12.345')
})
