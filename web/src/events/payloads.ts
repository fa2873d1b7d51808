import type { LayerProgress } from '@/api/types'

/** What the Socket.IO events carry. Fields that an event lacks are undefined. */
export interface ProgressEvent {
  operationId: string
  serverId?: number
  serverName?: string
  imageId?: number
  imageName?: string
  imageTag?: string
  title?: string
  type?: string
  progress: number
  status?: string
  message?: string
  bytesDone?: number
  bytesTotal?: number
  bytesPerSecond?: number
  layers?: LayerProgress[]
  seq?: number
  timestamp?: string
}

export interface FinalEvent {
  operationId: string
  type: string
  title: string
  seq?: number
  timestamp?: string
}

export interface ImagesChangedEvent {
  serverId: number
}

export const PROGRESS_EVENTS = [
  'docker_image_pull_progress',
  'docker_image_export_progress',
  'docker_image_import_progress',
  'software_sync_progress',
  'operation_progress',
] as const
