import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/problem'
import type { Operation, OperationStatus } from '@/api/types'
import { queryClient } from '@/query'
import { getOperation, listOperations, retryOperation } from './api'
import { useOperations } from './store'

vi.mock('./api', () => ({ getOperation: vi.fn(), listOperations: vi.fn(), cancelOperation: vi.fn(), retryOperation: vi.fn() }))

function operation(id: string, status: OperationStatus): Operation {
  return { id, kind: 'pull_image', status, title: `Pull ${id}`, progress: 0, createdBy: 'admin', createdAt: '2026-01-01T00:00:00Z', steps: [] } as unknown as Operation
}

/** An event of an operation that is known to have failed, and stands like this by now; how it stands here then. */
async function hearOfEnded(now: OperationStatus): Promise<Operation | undefined> {
  vi.mocked(listOperations).mockResolvedValue({ items: [operation('a', 'failed')], total: 1, page: 1, size: 200 })
  vi.mocked(getOperation).mockResolvedValue(operation('a', now))
  const operations = useOperations()
  await operations.restore()
  operations.onProgress({ operationId: 'a', progress: 5, seq: 7 })
  await vi.runAllTimersAsync()
  return operations.byId.get('a')
}

/** How often the list of operations was told to be read again. */
let read = 0

beforeEach(() => {
  vi.useFakeTimers()
  vi.restoreAllMocks()
  setActivePinia(createPinia())
  read = 0
  vi.spyOn(queryClient, 'invalidateQueries').mockImplementation(async (what) => void (read += Number((what as { queryKey: string[] }).queryKey[0] === 'operations')))
})
afterEach(() => void vi.useRealTimers())

describe('the list of operations is read again', () => {
  it('when one is begun here', async () => {
    vi.mocked(getOperation).mockResolvedValue(operation('a', 'running'))
    useOperations().follow(operation('a', 'queued'))
    await vi.runAllTimersAsync()
    expect(read).toBe(1)
  })

  it('when one is retried here', async () => {
    vi.mocked(retryOperation).mockResolvedValue(operation('a', 'queued'))
    const operations = useOperations()
    await operations.retry('a')
    await vi.runAllTimersAsync()
    expect(read).toBe(1)
    expect(operations.byId.get('a')?.status).toBe('queued')
  })

  it('when one is begun elsewhere, and seldom when many are', async () => {
    vi.mocked(getOperation).mockImplementation(async (id) => operation(id, 'running'))
    const operations = useOperations()
    for (let at = 0; at < 100; at += 1) operations.onProgress({ operationId: `op-${at}`, progress: 1, seq: 1 })
    await vi.runAllTimersAsync()
    expect(operations.active).toHaveLength(100)
    expect(read).toBe(2)
  })

  it('when one that had ended is retried elsewhere', async () => {
    expect((await hearOfEnded('running'))?.status).toBe('running')
    expect(read).toBe(1)
  })
})

it('an event that comes late for an ended operation changes nothing', async () => {
  expect((await hearOfEnded('failed'))?.status).toBe('failed')
  expect(read).toBe(0)
})

describe('an answer that comes late', () => {
  /** Calls that are answered when the test says so. */
  function heldBack(): ((answer: Operation | Error) => Promise<void>)[] {
    const answers: ((answer: Operation | Error) => Promise<void>)[] = []
    vi.mocked(getOperation).mockImplementation(
      () =>
        new Promise((resolve, reject) => {
          answers.push(async (answer) => {
            if (answer instanceof Error) reject(answer)
            else resolve(answer)
            await vi.advanceTimersByTimeAsync(1)
          })
        }),
    )
    return answers
  }
  const onTwo = (status: OperationStatus, ...steps: OperationStatus[]) =>
    ({ ...operation('a', status), steps: steps.map((status, at) => ({ id: at, serverId: at, serverName: `s${at}`, status, progress: 0, message: 'Waits for its turn' })) }) as unknown as Operation
  const statuses = () => useOperations().byId.get('a')?.steps.map(({ status }) => status)

  it('does not undo what events told meanwhile', async () => {
    const answers = heldBack()
    const operations = useOperations()
    operations.follow(onTwo('queued', 'queued', 'queued'))
    operations.onProgress({ operationId: 'a', serverId: 0, progress: 100, status: 'succeeded', message: 'Pulled', seq: 1 })
    await answers[0]?.(onTwo('running', 'running', 'queued'))
    expect(statuses()).toEqual(['succeeded', 'queued'])
    operations.onProgress({ operationId: 'a', serverId: 1, progress: 100, status: 'succeeded', message: 'Pulled', seq: 2 })
    expect(statuses()).toEqual(['succeeded', 'succeeded'])
  })

  it('holds what it was told before the operation was known here', async () => {
    const answers = heldBack()
    const operations = useOperations()
    operations.onProgress({ operationId: 'a', serverId: 0, progress: 50, status: 'running', seq: 1 })
    operations.onProgress({ operationId: 'a', serverId: 0, progress: 100, status: 'succeeded', seq: 2 })
    await answers[0]?.(onTwo('running', 'running', 'queued'))
    operations.follow(onTwo('queued', 'queued', 'queued'))
    expect(statuses()).toEqual(['succeeded', 'queued'])
  })

  it('does not undo a retry, and what the retry brings is believed', async () => {
    const answers = heldBack()
    const operations = useOperations()
    operations.follow(onTwo('failed', 'succeeded', 'failed'))
    vi.mocked(retryOperation).mockResolvedValue(onTwo('queued', 'succeeded', 'queued'))
    await operations.retry('a')
    await answers[0]?.(onTwo('failed', 'succeeded', 'failed'))
    expect(statuses()).toEqual(['succeeded', 'queued'])
    operations.onProgress({ operationId: 'a', serverId: 1, progress: 10, status: 'running', seq: 9 })
    expect(statuses()).toEqual(['succeeded', 'running'])
  })

  it('is nothing to whoever is logged in by then', async () => {
    const answers = heldBack()
    const operations = useOperations()
    operations.follow(operation('a', 'running'))
    operations.clear()
    await answers[0]?.(operation('a', 'running'))
    expect(operations.all).toEqual([])
  })

  it('and says that there is no such operation takes it from the page', async () => {
    const answers = heldBack()
    const operations = useOperations()
    operations.follow(operation('a', 'running'))
    await answers[0]?.(new ApiError(404, 'not_found', ''))
    expect(operations.all).toEqual([])
  })
})
