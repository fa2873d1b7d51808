import type { Upload } from 'tus-js-client'
import { computed, reactive } from 'vue'
import type { ArchiveInfo } from '@/api/types'
import { ApiError, toApiError } from '@/api/problem'
import { inspectUpload, startUpload } from './uploads'

export interface ImportFile {
  key: number
  name: string
  size: number
  sent: number
  state: 'uploading' | 'paused' | 'inspecting' | 'ready' | 'failed'
  uploadId: string
  archive: ArchiveInfo | null
  error: unknown
}

/** What is wrong with the file itself: sending or reading it again changes nothing. */
const BROKEN = ['archive_corrupt', 'archive_truncated', 'archive_too_complex', 'not_an_archive']

export function canResume({ state, error }: Pick<ImportFile, 'state' | 'error'>): boolean {
  return state === 'paused' || (state === 'failed' && !(error instanceof ApiError && BROKEN.includes(error.code)))
}

/** What tus-js-client throws holds the response; the server's problem is in its body. */
function problemOf(error: Error & { originalResponse?: { getStatus(): number; getBody(): string } | null }): unknown {
  const response = error.originalResponse
  if (!response) return new TypeError(error.message)
  try {
    return toApiError(response.getStatus(), JSON.parse(response.getBody()))
  } catch {
    return toApiError(response.getStatus(), null)
  }
}

/** The files of one import: each is sent, then looked into before anything is loaded. */
export function useImportFiles() {
  const files = reactive<ImportFile[]>([])
  const uploads = new Map<number, Upload>()
  let last = 0

  async function inspect(file: ImportFile): Promise<void> {
    file.state = 'inspecting'
    try {
      file.archive = await inspectUpload(file.uploadId)
      file.state = 'ready'
    } catch (thrown) {
      file.error = thrown
      file.state = 'failed'
    }
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
      failed: (error) => {
        file.error = problemOf(error)
        file.state = 'failed'
      },
    })
    uploads.set(key, upload)
  }

  async function pause(file: ImportFile): Promise<void> {
    await uploads.get(file.key)?.abort()
    file.state = 'paused'
  }

  /** Goes on after a pause or a failure, from the byte that the server has. */
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

  const ready = computed(() => files.filter((file) => file.state === 'ready'))
  const failed = computed(() => files.filter((file) => file.state === 'failed'))
  /** Nothing is under way any more, and there is something to import; what failed is left out. */
  const settled = computed(() => ready.value.length > 0 && ready.value.length + failed.value.length === files.length)
  return { files, ready, failed, settled, add, pause, resume, remove, stop }
}
