import { expect, it } from 'vitest'
import { readStatus } from './state'

it.each([
  ['Up 2 hours', null, null],
  ['Up 2 hours (healthy)', null, 'healthy'],
  ['Up 3 seconds (health: starting)', null, 'starting'],
  ['Exited (137) 5 minutes ago', 137, null],
  ['Restarting (1) 2 seconds ago', 1, null],
  ['Created', null, null],
])('%s', (status, exitCode, health) => {
  expect(readStatus({ status })).toEqual({ exitCode, health })
})
