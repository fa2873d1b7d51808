import { describe, expect, it } from 'vitest'
import type { Operation } from '@/api/types'
import { applyProgress, mergeOperation, newest, totals, unsuccessfulSteps, workedFor } from './progress'

function operation(over: Partial<Operation> = {}): Operation {
  return {
    id: 'op-1',
    kind: 'pull_image',
    status: 'running',
    title: 'Pull nginx:1.27',
    progress: 0,
    createdAt: '2026-01-01T00:00:00Z',
    steps: [
      { id: 1, serverId: 1, serverName: 'a', status: 'running', progress: 0 },
      { id: 2, serverId: 2, serverName: 'b', status: 'queued', progress: 0 },
    ],
    ...over,
  } as Operation
}

describe('applyProgress', () => {
  it('never lets a bar fall back', () => {
    let live = mergeOperation(undefined, operation())
    live = applyProgress(live, { operationId: 'op-1', serverId: 1, progress: 60, seq: 1 })
    live = applyProgress(live, { operationId: 'op-1', serverId: 1, progress: 40, seq: 2 })
    expect(live.steps[0]?.progress).toBe(60)
    expect(live.progress).toBe(30)
  })

  it('ignores what is older than the newest event', () => {
    let live = mergeOperation(undefined, operation())
    live = applyProgress(live, { operationId: 'op-1', serverId: 1, progress: 50, seq: 5, message: 'new' })
    live = applyProgress(live, { operationId: 'op-1', serverId: 1, progress: 70, seq: 4, message: 'old' })
    expect(live.message).toBe('new')
    expect(live.steps[0]?.progress).toBe(50)
  })

  it('a step that waits does not make its operation run', () => {
    const waiting = operation({ status: 'queued', steps: [{ id: 1, serverId: 1, serverName: 'a', status: 'queued', progress: 0 }] as Operation['steps'] })
    const told = applyProgress(mergeOperation(undefined, waiting), { operationId: 'op-1', serverId: 1, progress: 0, status: 'queued', message: 'Waits for its turn', seq: 1 })
    expect(told.status).toBe('queued')
    expect(told.steps[0]?.message).toBe('Waits for its turn')
    expect(applyProgress(told, { operationId: 'op-1', serverId: 1, progress: 1, seq: 2 }).status).toBe('running')
  })

  it('touches only the server that the event names', () => {
    const live = applyProgress(mergeOperation(undefined, operation()), {
      operationId: 'op-1',
      serverId: 2,
      progress: 10,
      bytesDone: 5,
      bytesTotal: 50,
      bytesPerSecond: 3,
      seq: 1,
    })
    expect(live.steps[0]?.status).toBe('running')
    expect(live.steps[0]?.bytesDone).toBeUndefined()
    expect(live.steps[1]).toMatchObject({ status: 'running', progress: 10, bytesDone: 5, bytesTotal: 50 })
    expect(totals(live)).toEqual({ done: 5, total: 50, speed: 3 })
  })

  it('leaves a finished operation finished', () => {
    const live = mergeOperation(undefined, operation({ status: 'failed', progress: 100 }))
    expect(applyProgress(live, { operationId: 'op-1', serverId: 1, progress: 99, seq: 9 })).toBe(live)
  })

  it('tells the steps of one server apart by their image', () => {
    const steps = [
      { id: 1, serverId: 1, serverName: 'a', imageId: 7, status: 'running', progress: 0 },
      { id: 2, serverId: 1, serverName: 'a', imageId: 8, status: 'queued', progress: 0 },
    ]
    const live = applyProgress(mergeOperation(undefined, operation({ steps } as Partial<Operation>)), {
      operationId: 'op-1', serverId: 1, imageId: 8, progress: 40, seq: 1,
    })
    expect(live.steps.map((step) => step.progress)).toEqual([0, 40])
  })

  it('clamps figures outside 0 to 100', () => {
    const live = applyProgress(mergeOperation(undefined, operation()), { operationId: 'op-1', serverId: 1, progress: 250 })
    expect(live.steps[0]?.progress).toBe(100)
  })
})

describe('mergeOperation', () => {
  it('keeps the higher figure of a running operation', () => {
    const known = applyProgress(mergeOperation(undefined, operation()), { operationId: 'op-1', serverId: 1, progress: 80, seq: 3 })
    const merged = mergeOperation(known, operation({ progress: 10 }))
    expect(merged.progress).toBe(40)
    expect(merged.steps[0]?.progress).toBe(80)
    expect(merged.seq).toBe(3)
  })

  it('keeps a step at its end that an event ended while the read was under way', () => {
    const ended = { operationId: 'op-1', serverId: 1, progress: 100, status: 'succeeded', message: 'Pulled', seq: 4 }
    const known = applyProgress(mergeOperation(undefined, operation()), ended)
    const merged = mergeOperation(known, operation({ progress: 20 }), [ended])
    expect(merged.steps[0]).toMatchObject({ status: 'succeeded', progress: 100, message: 'Pulled' })
    expect(merged).toMatchObject({ progress: 50, seq: 4 })
    expect(applyProgress(merged, { ...ended, progress: 3, status: 'running', seq: 3 })).toBe(merged)
  })

  it('believes a newer read that a step runs again', () => {
    const known = applyProgress(mergeOperation(undefined, operation()), { operationId: 'op-1', serverId: 1, progress: 60, status: 'failed', seq: 4 })
    const merged = mergeOperation(known, operation({ progress: 5 }))
    expect(merged.steps[0]).toMatchObject({ status: 'running', progress: 0 })
    expect(merged).toMatchObject({ progress: 5, seq: 4 })
  })

  it('starts over when a finished operation is retried', () => {
    const known = mergeOperation(undefined, operation({ status: 'failed', progress: 90 }))
    expect(mergeOperation(known, operation({ status: 'queued', progress: 0 })).progress).toBe(0)
  })
})

it('names the steps that a retry would run again', () => {
  const failed = operation({
    status: 'failed',
    steps: [
      { id: 1, serverId: 1, serverName: 'a', status: 'succeeded', progress: 100 },
      { id: 2, serverId: 2, serverName: 'b', status: 'failed', progress: 20 },
      { id: 3, serverId: 3, serverName: 'c', status: 'cancelled', progress: 0 },
    ],
  } as Partial<Operation>)
  expect(unsuccessfulSteps(failed).map((step) => step.serverId)).toEqual([2, 3])
})

describe('newest', () => {
  const read = (status: Operation['status']) => operation({ status, message: 'read' })
  const live = (status: Operation['status']) => mergeOperation(undefined, operation({ status, message: 'live' }))

  it.each([
    ['cancelled', 'queued', 'live'],
    ['running', 'running', 'live'],
    ['running', 'succeeded', 'live'],
    ['failed', 'failed', 'read'],
  ] as const)('read as %s, live %s: shows what is %s', (asRead, asLive, shown) => {
    expect(newest(read(asRead), live(asLive)).message).toBe(shown)
  })

  it('is what was read where nothing is live', () => {
    expect(newest(read('running'), undefined).message).toBe('read')
  })
})

describe('workedFor', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
  const step = (from: number, until: number) => ({ startedAt: at(from), finishedAt: at(until) }) as Operation['steps'][number]

  it('counts what ran beside each other once', () => {
    expect(workedFor(operation({ status: 'succeeded', startedAt: at(0), finishedAt: at(9), steps: [step(0, 5), step(2, 9)] }))).toBe(9_000)
  })

  it('does not count the time before a retry', () => {
    expect(workedFor(operation({ status: 'succeeded', startedAt: at(0), finishedAt: at(44), steps: [step(0, 2), step(40, 44)] }))).toBe(6_000)
  })

  it('is not known while it runs, nor when nothing ran', () => {
    expect(workedFor(operation({ status: 'running', steps: [step(0, 5)] }))).toBeNull()
    expect(workedFor(operation({ status: 'cancelled' }))).toBeNull()
  })
})
