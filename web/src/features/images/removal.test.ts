import { describe, expect, it } from 'vitest'
import type { ImageDetail } from '@/api/types'
import type { ImageLike } from './dialogs'
import { removalOf } from './removal'

const ID = `sha256:${'0'.repeat(64)}`
const image = (over: Partial<ImageLike> = {}): ImageLike => ({ id: 1, serverId: 1, serverName: 'a', size: 1, engineId: ID, fullName: 'app:1', tag: '1', usedBy: [], ...over })
const untagged = image({ fullName: ID, tag: null })
const detail = (states: string[], repoTags = ['app:1']) => ({ containers: states.map((state) => ({ state })), engine: { repoTags } }) as ImageDetail

describe('what comes of a deletion', () => {
  it.each([
    ['nobody uses it', image(), detail([]), 'goes'],
    ['a stopped container uses it', image(), detail(['exited']), 'force'],
    ['a running container uses it: by force its name goes', image(), detail(['exited', 'running']), 'untags'],
    ['a paused container uses it', image(), detail(['paused']), 'untags'],
    ['without a tag, a running container uses it', untagged, detail(['running'], []), 'refused'],
    ['without a tag, a stopped container uses it', untagged, detail(['exited'], []), 'force'],
    ['it has another name, whoever uses it', image(), detail(['running'], ['app:1', 'app:latest']), 'name'],
    ['the engine was not asked, but the list knows users', image({ usedBy: ['web'] }), undefined, 'force'],
    ['it never arrived', image({ engineId: '' }), undefined, 'goes'],
  ] as const)('%s', (_, subject, told, expected) => {
    expect(removalOf(subject, told)).toBe(expected)
  })
})
