import { expect, it } from 'vitest'
import { GAP, gapFor, SMALL_GAP, step } from './fleet'

it.each([
  [20, 1000, false, GAP],
  [200, 1000, false, SMALL_GAP],
  [400, 1000, false, null],
  [5, 190, true, GAP],
  [20, 190, true, null],
])('%i servers in %i px', (count, width, touched, gap) => {
  expect(gapFor(count, width, touched)).toBe(gap)
})

it.each([
  ['ArrowRight', 0, 1],
  ['ArrowRight', 9, 9],
  ['ArrowLeft', 0, 0],
  ['Home', 5, 0],
  ['End', 5, 9],
  ['j', 5, null],
])('%s at %i of ten leads to %s', (key, at, to) => {
  expect(step(key, at, 10)).toBe(to)
})
