import { expect, it } from 'vitest'
import { emptyGrant, toGrant, toGrantForm } from './grants'

it.each([
  { role: 'admin', servers: { all: true, ids: [], tags: [] }, repositories: ['*'] },
  { role: 'operator', servers: { all: false, ids: [], tags: ['edge'] }, repositories: ['team/*', 'nginx'] },
  { role: 'viewer', servers: { all: false, ids: [1, 2], tags: [] }, repositories: ['*'] },
])('keeps %o', (grant) => {
  expect(toGrant(toGrantForm(grant))).toEqual(grant)
})

it('never widens a grant on no server to all servers', () => {
  expect(toGrant({ ...emptyGrant(), where: 'ids' }).servers).toEqual({ all: false, ids: [], tags: [] })
})
