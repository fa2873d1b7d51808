import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { Image } from '@/api/types'

/** What a dialog needs to know of an image. */
export type ImageLike = Pick<Image, 'id' | 'fullName' | 'serverId' | 'serverName' | 'size'> & Partial<Image>

export interface PullStart {
  reference?: string
  serverIds?: number[]
  softwareId?: number
  registryId?: number
}

export interface ImportStart {
  serverIds: number[]
  /** Archives that were dropped on the page. */
  files?: File[]
}

export interface RemoveStart {
  images: ImageLike[]
  /** Called when the deletion has begun. */
  begun?: () => void
}

/** Which dialog is open, and for what. One place, since views, drawer and other pages open the same ones. */
export const useImageDialogs = defineStore('image-dialogs', () => {
  const pull = ref<PullStart | null>(null)
  const remove = ref<RemoveStart | null>(null)
  const sync = ref<number[] | null>(null)
  const exporting = ref<{ images: ImageLike[] } | { serverId: number; serverName: string } | null>(null)
  const copy = ref<ImageLike | null>(null)
  const importing = ref<ImportStart | null>(null)
  const container = ref<ImageLike | null>(null)
  const naming = ref<{ mode: 'tag' | 'push'; image: ImageLike } | null>(null)

  /** Whoever logs in next has opened none of them. */
  function clear(): void {
    for (const dialog of [pull, remove, sync, exporting, copy, importing, container, naming]) dialog.value = null
  }

  return { clear, naming, pull, remove, sync, exporting, copy, importing, container }
})
