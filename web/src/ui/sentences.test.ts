import { expect, it } from 'vitest'
import { joinSentences } from './sentences'

it('parts sentences that end without a full stop', () => {
  expect(joinSentences('127.0.0.1:9: Connection refused (os error 111)', 'Check the address.')).toBe('127.0.0.1:9: Connection refused (os error 111). Check the address.')
  expect(joinSentences('无法连接到引擎。', '', 'refused')).toBe('无法连接到引擎。 refused')
})
