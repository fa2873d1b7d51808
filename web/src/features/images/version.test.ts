import { expect, it } from 'vitest'
import { versionLetter } from './version'

it('names versions by letters, and goes on after Z', () => {
  expect([1, 2, 26, 27, 52, 53].map(versionLetter)).toEqual(['A', 'B', 'Z', 'AA', 'AZ', 'BA'])
  expect(versionLetter(null)).toBe('')
})
