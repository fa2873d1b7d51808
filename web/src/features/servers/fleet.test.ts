import { expect, it } from 'vitest'
import { GAP, gapFor, SMALL_GAP } from './fleet'

it.each([
  [20, 1000, false, GAP],
  [200, 1000, false, SMALL_GAP],
  [400, 1000, false, null],
  [5, 190, true, GAP],
  [20, 190, true, null],
])('%i servers in %i px', (count, width, touched, gap) => {
  expect(gapFor(count, width, touched)).toBe(gap)
})
