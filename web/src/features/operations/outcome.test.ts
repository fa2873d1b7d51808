import { describe, expect, it } from 'vitest'
import type { Operation } from '@/api/types'
import { firstFailure, remarks } from './outcome'

const timeout = { code: 'timeout', message: 'No connection within 10 s.' }
const step = (serverName: string, over = {}) => ({ serverName, message: '', ...over })
const operation = (steps: unknown[], over = {}) => ({ kind: 'pull_image', status: 'failed', steps, ...over }) as unknown as Operation

describe('the reason of a failure', () => {
  it('names every server that it is the reason on', () => {
    const steps = [step('a', { error: timeout }), step('b'), step('c', { error: timeout }), step('d', { error: { code: 'denied', message: 'No.' } })]
    expect(firstFailure(operation(steps))).toEqual({ info: timeout, servers: ['a', 'c'] })
  })

  it('names a server once, and none that the title names', () => {
    expect(firstFailure(operation([step('a', { error: timeout }), step('a', { error: timeout })]))?.servers).toEqual(['a'])
    expect(firstFailure(operation([step('a', { error: timeout })]))?.servers).toEqual([])
  })

  it('is that of the operation where no step has one', () => {
    expect(firstFailure(operation([step('a')], { error: timeout }))).toEqual({ info: timeout, servers: [] })
    expect(firstFailure(operation([step('a')]))).toBeNull()
  })
})

it('a deletion that did something else says so', () => {
  const unlisted = 'Removed nginx:1 from the list; the server could not be asked, and is not known to hold it'
  const steps = [step('a', { message: 'Deleted nginx:1' }), step('b', { message: unlisted })]
  expect(remarks(operation(steps, { kind: 'delete_image', status: 'succeeded' }))).toEqual([unlisted])
  expect(remarks(operation(steps, { kind: 'delete_image' }))).toEqual([])
  expect(remarks(operation(steps, { status: 'succeeded' }))).toEqual([])
})
