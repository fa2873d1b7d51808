import { expect, it } from 'vitest'
import { emptyGrant, toGrant, toGrantForm } from './grants'

it.each([
  { role: 'admin', servers: { all: true }, repositories: ['*'] },
  { role: 'operator', servers: { tags: ['edge'] }, repositories: ['team/*', 'nginx'] },
  { role: 'viewer', servers: { ids: [1, 2] }, repositories: ['*'] },
])('keeps %o', (grant) => {
  expect(toGrant(toGrantForm(grant))).toEqual(grant)
})

it('never widens a grant on no server to all servers', () => {
  expect(toGrant({ ...emptyGrant(), where: 'ids' }).servers).toEqual({ ids: [] })
})
