import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import { reactive } from 'vue'
import type { Operation } from '@/api/types'
import { useImageDialogs } from '@/features/images/dialogs'
import { useContainerDrafts } from './drafts'
import { emptyContainer, emptyVariable } from './model'

const image = { id: 7, fullName: 'web:1', serverId: 1, serverName: 'a', size: 1 }
const failed = (id: string, ...steps: [number, string][]) =>
  ({ id, status: 'failed', steps: steps.map(([serverId, status]) => ({ serverId, status })) }) as unknown as Operation

beforeEach(() => setActivePinia(createPinia()))

describe('drafts of containers', () => {
  it('come back as they were typed, for the servers that lack the container', () => {
    const drafts = useContainerDrafts()
    const form = reactive({ ...emptyContainer(), name: 'web', env: [reactive({ ...emptyVariable(), name: 'A', value: 'b' })] })
    drafts.keep('x', { image, form, serverIds: [1, 2] })
    form.name = 'typed later'
    drafts.reopen(failed('x', [1, 'succeeded'], [2, 'failed']))
    expect(useImageDialogs().container).toEqual(image)
    expect(drafts.take()).toMatchObject({ form: { name: 'web', env: [{ name: 'A', value: 'b' }] }, serverIds: [2] })
    expect(drafts.take(), 'the next new form is empty').toBeNull()
  })

  it('are few, and none for somebody else', () => {
    const drafts = useContainerDrafts()
    for (let at = 0; at < 12; at += 1) drafts.keep(`o${at}`, { image, form: emptyContainer(), serverIds: [1] })
    expect(drafts.byOperation.size).toBe(10)
    expect(drafts.byOperation.has('o11')).toBe(true)
    drafts.clear()
    drafts.reopen(failed('o11', [1, 'failed']))
    expect(drafts.take()).toBeNull()
  })
})
