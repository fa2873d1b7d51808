import { expect, it } from 'vitest'
import { step } from './roving'

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
