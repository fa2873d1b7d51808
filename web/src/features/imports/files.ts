import { useEventListener, useIntervalFn } from '@vueuse/core'
import type { Upload } from 'tus-js-client'
import { computed, reactive, ref } from 'vue'
import type { ArchiveInfo } from '@/api/types'
import { ApiError, asApiError, toApiError } from '@/api/problem'
import { inspectUpload, splitArchives, startUpload } from './uploads'

export interface ImportFile {
  key: number
  name: string
  size: number
  sent: number
  /** `waiting`: for the network, and goes on by itself; `started`: its import has begun. */
  state: 'uploading' | 'waiting' | 'paused' | 'inspecting' | 'ready' | 'started' | 'failed'
  uploadId: string
  archive: ArchiveInfo | null
  error: unknown
}

/** What is wrong with the file itself: sending or reading it again changes nothing. */
const BROKEN = ['archive_corrupt', 'archive_truncated', 'archive_too_complex', 'not_an_archive']

export function canResume({ state, error }: Pick<ImportFile, 'state' | 'error'>): boolean {
  return state === 'paused' || state === 'waiting' || (state === 'failed' && !(error instanceof ApiError && BROKEN.includes(error.code)))
}

/** A network that is back does not always say so. */
const TRIED_AGAIN_EVERY_MS = 10_000
/** Nobody answered, or only what stands before the program. */
const AWAY = ['unreachable', 'http_502', 'http_503', 'http_504']

export function isAway(error: unknown): boolean {
  return AWAY.includes(asApiError(error).code)
}

/** What tus-js-client throws holds the response; the server's problem is in its body. */
export function problemOf(error: Error & { originalRequest?: unknown; originalResponse?: { getStatus(): number; getBody(): string } | null }): unknown {
  const response = error.originalResponse
  // Without a request it is the file that could not be read.
  if (!response) return error.originalRequest ? new TypeError(error.message) : error
  try {
    return toApiError(response.getStatus(), JSON.parse(response.getBody()))
  } catch {
    return toApiError(response.getStatus(), null)
  }
}

/** The files of one import: each is sent, then looked into before anything is loaded. */
export function useImportFiles() {
  const files = reactive<ImportFile[]>([])
  /** Names of files that are no archives. */
  const refused = ref<string[]>([])
  const uploads = new Map<number, Upload>()
  let last = 0

  function fail(file: ImportFile, error: unknown): void {
    const away = isAway(error)
    file.error = away ? null : error
    file.state = away ? 'waiting' : 'failed'
  }

  async function inspect(file: ImportFile): Promise<void> {
    file.state = 'inspecting'
    try {
      file.archive = await inspectUpload(file.uploadId)
      file.state = 'ready'
    } catch (thrown) {
      fail(file, thrown)
    }
  }

  function take(sources: File[]): void {
    const { archives, others } = splitArchives(sources)
    refused.value = others
    for (const source of archives) void add(source)
  }

  async function add(source: File): Promise<void> {
    last += 1
    const key = last
    files.push({ key, name: source.name, size: source.size, sent: 0, state: 'uploading', uploadId: '', archive: null, error: null })
    const file = files.find((candidate) => candidate.key === key)
    if (!file) return
    const upload = await startUpload(source, {
      progress: (sent) => (file.sent = sent),
      done: (id) => {
        file.uploadId = id
        file.sent = file.size
        void inspect(file)
      },
      failed: (error) => fail(file, problemOf(error)),
    })
    uploads.set(key, upload)
  }

  async function pause(file: ImportFile): Promise<void> {
    await uploads.get(file.key)?.abort()
    file.state = 'paused'
  }

  /** Goes on after a pause, a failure or without a network, from the byte that the server has. */
  function resume(file: ImportFile): void {
    file.error = null
    if (file.uploadId) {
      void inspect(file)
      return
    }
    file.state = 'uploading'
    uploads.get(file.key)?.start()
  }

  /** Forgets a file and deletes what was uploaded of it. */
  function remove(file: ImportFile): void {
    void uploads.get(file.key)?.abort(true).catch(() => undefined)
    uploads.delete(file.key)
    files.splice(files.findIndex((candidate) => candidate.key === file.key), 1)
  }

  /** Stops what is under way; what was sent stays for a later try. */
  function stop(): void {
    for (const upload of uploads.values()) void upload.abort().catch(() => undefined)
  }

  const inState = (...states: ImportFile['state'][]) => files.filter((file) => states.includes(file.state))

  function tryAgain(): void {
    if (navigator.onLine) for (const file of inState('waiting')) resume(file)
  }
  useEventListener(window, 'online', tryAgain)
  useIntervalFn(tryAgain, TRIED_AGAIN_EVERY_MS)

  const ready = computed(() => inState('ready'))
  const failed = computed(() => inState('failed'))
  const started = computed(() => inState('started'))
  /** What closing the form would interrupt. */
  const underWay = computed(() => inState('uploading', 'waiting'))
  /** Nothing is under way any more, and there is something to import; what failed is left out. */
  const settled = computed(() => ready.value.length > 0 && inState('ready', 'started', 'failed').length === files.length)
  return { files, refused, ready, started, failed, underWay, settled, take, pause, resume, remove, stop }
}
