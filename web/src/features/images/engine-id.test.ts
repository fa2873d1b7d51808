import { expect, it } from 'vitest'
import { isEngineId } from './engine-id'

it('tells the id of an image without a name from a reference by digest', () => {
  const digest = `sha256:${'ab'.repeat(32)}`
  expect(isEngineId(digest)).toBe(true)
  expect(isEngineId(`127.0.0.1:27656/demo/web@${digest}`)).toBe(false)
  expect(isEngineId('sha256:latest')).toBe(false)
})
