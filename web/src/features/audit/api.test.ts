import { expect, it } from 'vitest'
import { auditFile } from './api'

it('a file of the audit holds what the list shows, not everything', () => {
  expect(auditFile('csv', { q: 'a b&c', outcome: undefined, serverId: 3 })).toBe('/api/v1/audit/export?format=csv&q=a+b%26c&serverId=3')
  expect(auditFile('jsonl', {})).toBe('/api/v1/audit/export?format=jsonl')
})
