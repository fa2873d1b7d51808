import { expect, it } from 'vitest'
import { ApiError } from '@/api/problem'
import { canResume } from './files'

it.each([
  ['paused', null, true],
  ['failed', new TypeError('the network'), true],
  ['failed', new ApiError(503, 'no_space', ''), true],
  ['failed', new ApiError(422, 'archive_corrupt', ''), false],
  ['failed', new ApiError(422, 'not_an_archive', ''), false],
  ['ready', null, false],
] as const)('a file that is %s (%s) can be resumed: %s', (state, error, can) => {
  expect(canResume({ state, error })).toBe(can)
})
