import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { ApiError } from '@/api/problem'
import type { Operation } from '@/api/types'
import type { ProgressEvent } from '@/events/payloads'
import { rereading } from '@/query'
import { cancelOperation, getOperation, listOperations, retryOperation } from './api'
import { applyProgress, isFinal, mergeOperation, type LiveOperation } from './progress'
import { Reads } from './reads'

/** Finished operations that stay in the drawer; older ones are on the operations page. */
const FINISHED_KEPT = 30
const ACTIVE_PAGE = 200

/** Every operation that this page follows: those active when it opened, and those begun since. */
export const useOperations = defineStore('operations', () => {
  const byId = ref(new Map<string, LiveOperation>())
  const drawerOpen = ref(false)
  /** Operations with a toast, oldest first. */
  const toasts = ref<string[]>([])
  /** Toasts that were closed: only a retry brings them back. */
  const dismissed = new Set<string>()
  const fetching = new Map<string, Promise<void>>()
  const reads = new Reads()

  const all = computed(() => [...byId.value.values()].sort((a, b) => (a.id < b.id ? 1 : -1)))
  const active = computed(() => all.value.filter((operation) => !isFinal(operation.status)))
  const finished = computed(() => all.value.filter((operation) => isFinal(operation.status)))
  /** Servers on which a step runs now. */
  const busyServers = computed(() => {
    const ids = new Set<number>()
    for (const operation of active.value)
      for (const step of operation.steps) if (step.status === 'running' && step.serverId != null) ids.add(step.serverId)
    return ids
  })

  /** Makes a call, and takes up the operations that its answer tells of. */
  async function ask<Answer>(call: () => Promise<Answer>, told: (answer: Answer) => Operation[]): Promise<Answer> {
    const read = reads.begin()
    try {
      const answer = await call()
      for (const operation of told(answer)) if (reads.tells(read, operation.id)) put(operation, read.heard)
      return answer
    } finally {
      reads.end(read)
    }
  }

  function put(read: Operation, heard: ProgressEvent[] = []): void {
    const since = heard.filter((event) => event.operationId === read.id)
    byId.value.set(read.id, mergeOperation(byId.value.get(read.id), read, since))
    for (const old of finished.value.slice(FINISHED_KEPT)) drop(old.id)
  }

  function drop(id: string): void {
    byId.value.delete(id)
    reads.forget(id)
  }

  /** Takes up an operation that a call of this page answered with, and shows its toast. */
  function follow(operation: Operation): void {
    // As it was when it began: whatever else is known of it is newer.
    if (!byId.value.has(operation.id)) put(operation)
    showToast(operation.id)
    // It may have ended before this page heard of it.
    void refresh(operation.id)
    void hasBegun()
  }

  /** An operation that begins is new in the list of operations, and has marked its images (PULLING, DELETING): both are read again. */
  const hasBegun = rereading('images', 'operations')

  function showToast(id: string): void {
    dismissed.delete(id)
    if (!toasts.value.includes(id)) toasts.value.push(id)
  }

  function hideToast(id: string): void {
    dismissed.add(id)
    toasts.value = toasts.value.filter((other) => other !== id)
  }

  function hideAllToasts(): void {
    toasts.value.forEach(hideToast)
  }

  // Who opens the drawer reads there how it ended.
  watch(drawerOpen, () => {
    for (const { id } of finished.value) hideToast(id)
  })

  /** Reads one operation again; calls while one is under way share it. */
  function refresh(id: string): Promise<void> {
    const running = fetching.get(id)
    if (running) return running
    const promise = ask(() => getOperation(id), (operation) => [operation])
      .then(() => undefined)
      .catch((thrown: unknown) => {
        // It may be seen no longer.
        if (thrown instanceof ApiError && thrown.status === 404) drop(id)
      })
      .finally(() => fetching.delete(id))
    fetching.set(id, promise)
    return promise
  }

  /** Reads what is active, and how those ended that this page believed active. */
  async function restore(): Promise<void> {
    const page = await ask(() => listOperations({ active: true, page: 1, size: ACTIVE_PAGE }), ({ items }) => items)
    const seen = new Set(page.items.map((operation) => operation.id))
    const missing = active.value.filter((operation) => !seen.has(operation.id))
    for (const operation of page.items) if (operation.status === 'running' && !dismissed.has(operation.id)) showToast(operation.id)
    await Promise.all(missing.map((operation) => refresh(operation.id)))
  }

  function onProgress(event: ProgressEvent): void {
    const known = byId.value.get(event.operationId)
    if (!known || event.seq === undefined || event.seq > known.seq) reads.hear(event)
    // Somebody may have begun it, or begun it anew, elsewhere. An event that is only late is told apart by what is read.
    if (!known || (isFinal(known.status) && (event.seq ?? 0) > known.seq)) {
      void refresh(event.operationId).then(() => {
        const now = byId.value.get(event.operationId)
        if (now && !isFinal(now.status)) void hasBegun()
      })
      return
    }
    byId.value.set(event.operationId, applyProgress(known, event))
  }

  async function onFinal(id: string): Promise<void> {
    // A read that began before the end may still be under way: wait for it, then read again.
    await fetching.get(id)
    await refresh(id)
  }

  async function cancel(id: string): Promise<void> {
    await ask(() => cancelOperation(id), (operation) => [operation])
  }

  async function retry(id: string): Promise<void> {
    await ask(() => retryOperation(id), (operation) => [operation])
    showToast(id)
    void hasBegun()
  }

  function forgetFinished(): void {
    for (const { id } of finished.value) drop(id)
    toasts.value = toasts.value.filter((id) => byId.value.has(id))
  }

  function clear(): void {
    reads.clear()
    fetching.clear()
    byId.value.clear()
    toasts.value = []
    dismissed.clear()
    drawerOpen.value = false
  }

  return {
    byId, all, active, finished, busyServers, drawerOpen, toasts,
    follow, showToast, hideToast, hideAllToasts, refresh, restore, onProgress, onFinal, cancel, retry, forgetFinished, clear,
  }
})
