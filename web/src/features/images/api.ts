import { api, ok } from '@/api/client'
import type { CopyPreviewTarget, Image, ImageDetail, ImageGroup, NewContainer, Operation, Page, ServerGroup } from '@/api/types'
import type { ImageApiQuery } from './filters'

const LARGEST_PAGE = 200

export type Compression = 'none' | 'gzip' | 'zstd'

export function listImages(query: Partial<ImageApiQuery>): Promise<Page<Image>> {
  return ok(api.GET('/api/v1/images', { params: { query } }))
}

/** Those of `images` that are still there, as they are now. */
export async function readImages(images: Pick<Image, 'id' | 'serverId'>[]): Promise<Image[]> {
  const wanted = new Set(images.map((image) => image.id))
  const serverId = [...new Set(images.map((image) => image.serverId))].join(',')
  const found: Image[] = []
  for (let page = 1; wanted.size > 0; page += 1) {
    const { items, total } = await listImages({ serverId, page, size: LARGEST_PAGE })
    found.push(...items.filter((image) => wanted.delete(image.id)))
    if (items.length === 0 || page * LARGEST_PAGE >= total) break
  }
  return found
}

export function imagesByServer(query: Partial<ImageApiQuery>): Promise<Page<ServerGroup>> {
  return ok(api.GET('/api/v1/images/by-server', { params: { query } }))
}

export function imagesByImage(query: Partial<ImageApiQuery>): Promise<Page<ImageGroup>> {
  return ok(api.GET('/api/v1/images/by-image', { params: { query } }))
}

export function getImage(id: number): Promise<ImageDetail> {
  return ok(api.GET('/api/v1/images/{id}', { params: { path: { id } } }))
}

export interface PullRequest {
  reference: string
  serverIds: number[]
  registryId?: number
  platform?: string
  softwareId?: number
  offPeak?: boolean
}

export function pullImage(body: PullRequest): Promise<Operation> {
  return ok(api.POST('/api/v1/images/pull', { body }))
}

/** Without servers: all of them. */
export function syncImages(serverIds?: number[]): Promise<Operation> {
  return ok(api.POST('/api/v1/images/sync', { body: { serverIds: serverIds ?? null } }))
}

export function deleteImages(imageIds: number[], force: boolean): Promise<Operation> {
  return ok(api.POST('/api/v1/images/delete', { body: { imageIds, force } }))
}

export function exportImages(what: { imageIds: number[] } | { serverId: number }, compression: Compression, offPeak?: boolean): Promise<Operation> {
  return ok(api.POST('/api/v1/images/export', { body: { ...what, compression, offPeak } }))
}

export function copyImage(imageId: number, serverIds: number[], offPeak?: boolean): Promise<Operation> {
  return ok(api.POST('/api/v1/images/copy', { body: { imageId, serverIds, offPeak } }))
}

/** Gives an image one more name on its server. */
export function tagImage(id: number, body: { reference: string; force: boolean }): Promise<Operation> {
  return ok(api.POST('/api/v1/images/{id}/tag', { params: { path: { id } }, body }))
}

export function pushImage(id: number, body: { reference: string; registryId?: number; offPeak?: boolean }): Promise<Operation> {
  return ok(api.POST('/api/v1/images/{id}/push', { params: { path: { id } }, body: { reference: body.reference, registryId: body.registryId ?? null, offPeak: body.offPeak ?? null } }))
}

/** What a copy would send to each server: it asks the engines, so it may take a moment. */
export async function previewCopy(imageId: number, serverIds: number[]): Promise<CopyPreviewTarget[]> {
  const query = { serverIds: serverIds.join(',') }
  const { targets } = await ok(api.GET('/api/v1/images/{id}/copy-preview', { params: { path: { id: imageId }, query } }))
  return targets
}

export function createContainer(imageId: number, body: NewContainer): Promise<Operation> {
  return ok(api.POST('/api/v1/images/{id}/containers', { params: { path: { id: imageId } }, body }))
}
