import type { Operation, OperationStatus, Step } from '@/api/types'
import type { ProgressEvent } from '@/events/payloads'

/** An operation as the page holds it: the API's shape and the newest `seq` seen, 0 before the first event. */
export type LiveOperation = Operation & { seq: number }

const FINAL: ReadonlySet<OperationStatus> = new Set(['succeeded', 'failed', 'cancelled', 'interrupted'])

export function isFinal(status: OperationStatus): boolean {
  return FINAL.has(status)
}

export function isFailed(status: OperationStatus): boolean {
  return status === 'failed' || status === 'interrupted'
}

/** How many are not at their end, how many failed, and how many ended otherwise. */
export function countStates(operations: Operation[]): { running: number; failed: number; ended: number } {
  const running = operations.filter((operation) => !isFinal(operation.status)).length
  const failed = operations.filter((operation) => isFailed(operation.status)).length
  return { running, failed, ended: operations.length - running - failed }
}

/** Of what a list read and what events told, what to show: whatever runs by one of the two is newer in the live state. */
export function newest(read: Operation, live: LiveOperation | undefined): Operation {
  return live && !(isFinal(read.status) && isFinal(live.status)) ? live : read
}

/**
 * How long it was worked on, in milliseconds: the time in which one of its steps ran. A retry keeps the first start, and the time between
 * the two runs was no work. Null while nothing has ended.
 */
export function workedFor(operation: Operation): number | null {
  const runs = [...operation.steps, operation]
    .slice(0, operation.steps.length || 1)
    .flatMap(({ startedAt, finishedAt }) => (startedAt && finishedAt ? [{ from: Date.parse(startedAt), until: Date.parse(finishedAt) }] : []))
    .sort((a, b) => a.from - b.from)
  let worked = 0
  let reached = -Infinity
  for (const { from, until } of runs) {
    worked += Math.max(0, until - Math.max(from, reached))
    reached = Math.max(reached, until)
  }
  return isFinal(operation.status) && runs.length ? worked : null
}

/** Steps that a retry would run again. */
export function unsuccessfulSteps(operation: Operation): Step[] {
  return operation.steps.filter((step) => isFinal(step.status) && step.status !== 'succeeded')
}

function clamp(progress: number): number {
  return Math.min(100, Math.max(0, Math.round(progress)))
}

/** Whether the operation goes on after its end, or one of its steps does: only then may a bar begin again. */
function isRetried(known: LiveOperation, read: Operation): boolean {
  if (isFinal(known.status)) return !isFinal(read.status)
  return read.steps.some((step) => !isFinal(step.status) && known.steps.some((before) => before.id === step.id && isFinal(before.status)))
}

/**
 * Takes a state read by REST for what is known, with the events that came since it was asked for: they may be missing in it. The progress
 * of a running operation never falls back.
 */
export function mergeOperation(known: LiveOperation | undefined, read: Operation, since: ProgressEvent[] = []): LiveOperation {
  const now = since.reduce(applyProgress, { ...read, seq: 0 })
  if (!known) return now
  const seq = Math.max(now.seq, known.seq)
  if (isRetried(known, now)) return { ...now, seq }
  const steps = now.steps.map((step) => {
    const before = known.steps.find((other) => other.id === step.id)
    if (!before || isFinal(step.status)) return step
    return { ...step, progress: Math.max(step.progress, before.progress) }
  })
  return { ...now, steps, progress: Math.max(known.progress, now.progress), seq }
}

/** Applies one event. An event that is older than what is known, or late for a finished operation, changes nothing. */
export function applyProgress(operation: LiveOperation, event: ProgressEvent): LiveOperation {
  if (isFinal(operation.status)) return operation
  if (event.seq !== undefined && event.seq <= operation.seq) return operation
  const steps = operation.steps.map((step) => (concerns(event, step) ? stepAfter(step, event) : step))
  const overall =
    event.serverId === undefined || event.serverId === null
      ? clamp(event.progress)
      : Math.floor(steps.reduce((sum, step) => sum + step.progress, 0) / Math.max(1, steps.length))
  return {
    ...operation,
    // A step that waits or was handed over is told too; the operation runs when one of them does.
    status: steps.length > 0 && steps.every((step) => step.status === 'queued') ? operation.status : 'running',
    message: event.message ?? operation.message,
    progress: Math.max(operation.progress, overall),
    steps,
    seq: event.seq ?? operation.seq,
  }
}

/** Several images of one server are several steps on it; the image then tells them apart. */
function concerns(event: ProgressEvent, step: Step): boolean {
  if (step.serverId !== event.serverId) return false
  return event.imageId == null || step.imageId == null || event.imageId === step.imageId
}

const STEP_STATUSES: readonly string[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted']

function stepAfter(step: Step, event: ProgressEvent): Step {
  if (isFinal(step.status)) return step
  const told = event.status && STEP_STATUSES.includes(event.status) ? (event.status as OperationStatus) : 'running'
  return {
    ...step,
    status: told,
    progress: Math.max(step.progress, clamp(event.progress)),
    message: event.message ?? step.message,
    bytesDone: event.bytesDone ?? step.bytesDone,
    bytesTotal: event.bytesTotal ?? step.bytesTotal,
    bytesPerSecond: event.bytesPerSecond ?? 0,
    layers: event.layers ?? step.layers,
  }
}

export interface Totals {
  done: number
  total: number
  speed: number
}

/** Bytes and speed over all steps of an operation. */
export function totals(operation: Operation): Totals {
  return operation.steps.reduce<Totals>(
    (sum, step) => ({
      done: sum.done + (step.bytesDone ?? 0),
      total: sum.total + (step.bytesTotal ?? 0),
      speed: sum.speed + (step.status === 'running' ? (step.bytesPerSecond ?? 0) : 0),
    }),
    { done: 0, total: 0, speed: 0 },
  )
}
