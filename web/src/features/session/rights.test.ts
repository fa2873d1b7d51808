import { expect, it } from 'vitest'
import type { Right } from '@/api/types'
import { holds, holdsEverywhere, matchesGlob } from './rights'

const team: Right = { verbs: ['image:view', 'image:pull'], servers: [1], repositories: ['team/*'] }
const viewer: Right = { verbs: ['image:view'], servers: null, repositories: null }

it('a right holds only where it was given', () => {
  expect(holds([team], 'image:pull', { serverId: 1, repository: 'team/app' })).toBe(true)
  expect(holds([team], 'image:pull', { serverId: 1, repository: 'other/app' })).toBe(false)
  expect(holds([team], 'image:pull', { serverId: 2, repository: 'team/app' })).toBe(false)
  expect(holds([team], 'image:delete', { serverId: 1 })).toBe(false)
  expect(holds([team], 'image:pull', { serverId: 1 })).toBe(true)
  expect(holds([team], 'image:pull', { serverId: 1, whole: true })).toBe(false)
  expect(holds([team, viewer], 'image:view', { serverId: 7, repository: 'any' })).toBe(true)
})

it('everywhere means no limit at all', () => {
  expect(holdsEverywhere([team, viewer], 'image:view')).toBe(true)
  expect(holdsEverywhere([team], 'image:pull')).toBe(false)
})

it('patterns are the program’s: a star crosses slashes, nothing else has a meaning', () => {
  expect(matchesGlob('team/*', 'team/a/b')).toBe(true)
  expect(matchesGlob('a.b', 'axb')).toBe(false)
  expect(matchesGlob('app-?', 'app-1')).toBe(true)
  expect(matchesGlob('app', 'team/app')).toBe(false)
})
