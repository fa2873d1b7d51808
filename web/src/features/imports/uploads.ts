import { Upload } from 'tus-js-client'
import { api, ok } from '@/api/client'
import type { ArchiveInfo, Operation } from '@/api/types'

const ENDPOINT = '/api/v1/uploads'
/** Large enough to keep the line full, small enough that a lost one is soon sent again. */
const CHUNK = 32 * 1024 * 1024
/** For a short trouble; a longer one is waited for by the files of the import. */
const RETRY_DELAYS_MS = [0, 1_000, 3_000, 5_000]

const NAMES = /\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/i

export function isArchiveName(name: string): boolean {
  return NAMES.test(name)
}

/** Files that are archives by their names, and the names of those that are not. */
export function splitArchives(files: File[]): { archives: File[]; others: string[] } {
  const others = files.filter((file) => !isArchiveName(file.name)).map((file) => file.name)
  return { archives: files.filter((file) => isArchiveName(file.name)), others }
}

export interface UploadHandlers {
  progress(sent: number, total: number): void
  done(id: string): void
  failed(error: Error): void
}

/** The last part of the upload's address. */
export function uploadId(url: string): string {
  return decodeURIComponent(new URL(url, location.origin).pathname.split('/').filter(Boolean).at(-1) ?? '')
}

/** Sends a file so that it goes on where it stopped, also after a reload when the same file is chosen again. */
export async function startUpload(file: File, handlers: UploadHandlers): Promise<Upload> {
  const upload = new Upload(file, {
    endpoint: ENDPOINT,
    chunkSize: CHUNK,
    retryDelays: RETRY_DELAYS_MS,
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name, filetype: 'application/x-tar' },
    onProgress: handlers.progress,
    onSuccess: () => handlers.done(uploadId(upload.url ?? '')),
    onError: handlers.failed,
  })
  const [earlier] = await upload.findPreviousUploads()
  if (earlier) upload.resumeFromPreviousUpload(earlier)
  upload.start()
  return upload
}

export function inspectUpload(id: string): Promise<ArchiveInfo> {
  return ok(api.GET('/api/v1/uploads/{id}/archive', { params: { path: { id } } }))
}

export interface ImportRequest {
  uploadId: string
  serverIds: number[]
  name?: string
  tag?: string
  force?: boolean
  offPeak?: boolean
}

export function importImages(body: ImportRequest): Promise<Operation> {
  return ok(api.POST('/api/v1/images/import', { body }))
}
