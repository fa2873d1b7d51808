import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { ApiError } from '@/api/problem'
import type { ArchiveInfo } from '@/api/types'
import { canResume, isAway, problemOf, useImportFiles } from './files'
import { inspectUpload, startUpload, type UploadHandlers } from './uploads'

vi.mock('./uploads', async (original) => ({ ...(await original<typeof import('./uploads')>()), startUpload: vi.fn(), inspectUpload: vi.fn() }))

it.each([
  ['paused', null, true],
  ['waiting', null, true],
  ['failed', new TypeError('the network'), true],
  ['failed', new ApiError(503, 'no_space', ''), true],
  ['failed', new ApiError(422, 'archive_corrupt', ''), false],
  ['failed', new ApiError(422, 'not_an_archive', ''), false],
  ['ready', null, false],
] as const)('a file that is %s (%s) can be resumed: %s', (state, error, can) => {
  expect(canResume({ state, error })).toBe(can)
})

const broken = (status?: number, body = '') => Object.assign(new Error('tus: failed'), { originalRequest: {}, originalResponse: status ? { getStatus: () => status, getBody: () => body } : null })

it.each([
  ['no answer', broken(), true],
  ['what stands before the program', broken(502, '<html>'), true],
  ['the program: no space', broken(503, '{"code":"no_space"}'), false],
  ['a file that cannot be read', new Error('cannot read'), false],
])('%s is waited for: %s', (_what, error, waits) => {
  expect(isAway(problemOf(error))).toBe(waits)
})

describe('the files of an import', () => {
  let sending: UploadHandlers
  const start = vi.fn()
  const scope = effectScope()
  let store: ReturnType<typeof useImportFiles>

  beforeEach(async () => {
    vi.useFakeTimers()
    vi.mocked(startUpload).mockImplementation(async (_file, handlers) => {
      sending = handlers
      return { start, abort: vi.fn(async () => undefined) } as never
    })
    vi.mocked(inspectUpload).mockResolvedValue({ images: [] } as unknown as ArchiveInfo)
    store = scope.run(() => useImportFiles())!
    store.take([new File(['tar'], 'web.tar'), new File([''], 'notes.txt')])
    await flushPromises()
  })
  afterEach(() => {
    vi.useRealTimers()
    start.mockClear()
  })

  it('leave out what is no archive', () => {
    expect(store.files.map(({ name }) => name)).toEqual(['web.tar'])
    expect(store.refused.value).toEqual(['notes.txt'])
  })

  it('go on by themselves when the network is back', async () => {
    sending.failed(broken())
    expect([store.files[0]?.state, store.underWay.value.length, store.settled.value]).toEqual(['waiting', 1, false])
    window.dispatchEvent(new Event('online'))
    expect([store.files[0]?.state, start.mock.calls.length]).toEqual(['uploading', 1])

    // It is back without a word.
    sending.failed(broken())
    await vi.advanceTimersByTimeAsync(10_000)
    expect([store.files[0]?.state, start.mock.calls.length]).toEqual(['uploading', 2])
    sending.done('u1')
    await flushPromises()
    expect([store.files[0]?.state, store.underWay.value.length, store.settled.value]).toEqual(['ready', 0, true])
  })

  it('do not try again what the program refused', async () => {
    sending.failed(broken(503, '{"code":"no_space"}'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect([store.files[0]?.state, start.mock.calls.length]).toEqual(['failed', 0])
  })
})
