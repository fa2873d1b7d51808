import { expect, it } from 'vitest'
import { readStatusSpan } from './status-span'

it.each([
  ['Up 10 minutes', true, 10, 'minute'],
  ['Up About an hour (healthy)', true, 1, 'hour'],
  ['Up 1 second (health: starting)', true, 1, 'second'],
  ['Up Less than a second', true, 1, 'second'],
  ['Up 2 weeks (Paused)', true, 2, 'week'],
  ['Exited (137) About a minute ago', false, 1, 'minute'],
  ['Restarting (1) 5 seconds ago', false, 5, 'second'],
])('reads “%s”', (status, running, count, unit) => {
  expect(readStatusSpan(status)).toEqual({ running, span: { count, unit } })
})

it.each(['', 'Created', 'Dead', 'Up for ever', 'Removal In Progress'])('leaves “%s” alone', (status) => {
  expect(readStatusSpan(status)).toBeNull()
})
