import { defineStore } from 'pinia'
import { ref, shallowReactive } from 'vue'
import type { Operation } from '@/api/types'
import { useImageDialogs, type ImageLike } from '@/features/images/dialogs'
import { unsuccessfulSteps } from '@/features/operations/progress'
import type { ContainerForm } from './model'

export interface Draft {
  image: ImageLike
  form: ContainerForm
  serverIds: number[]
}

const KEPT = 10

/** A form is plain text and switches; Vue's proxies in it cannot be cloned otherwise. */
const copy = (form: ContainerForm) => JSON.parse(JSON.stringify(form)) as ContainerForm

/** What was typed for containers that this page has begun to create, so that a failed one can be mended. There are secrets in it: it is held in memory alone. */
export const useContainerDrafts = defineStore('container-drafts', () => {
  const dialogs = useImageDialogs()
  const byOperation = shallowReactive(new Map<string, Draft>())
  const reopened = ref<Draft | null>(null)

  function keep(operationId: string, { image, form, serverIds }: Draft): void {
    byOperation.set(operationId, { image, form: copy(form), serverIds: [...serverIds] })
    const [oldest] = byOperation.keys()
    if (oldest && byOperation.size > KEPT) byOperation.delete(oldest)
  }

  /** Opens the form as it was, for the servers where there is no container yet. */
  function reopen(operation: Operation): void {
    const draft = byOperation.get(operation.id)
    if (!draft) return
    const left = unsuccessfulSteps(operation).map((step) => step.serverId)
    reopened.value = { image: draft.image, form: copy(draft.form), serverIds: left.length ? left : draft.serverIds }
    dialogs.container = draft.image
  }

  /** The draft that the dialog was opened for, once. */
  function take(): Draft | null {
    const draft = reopened.value
    reopened.value = null
    return draft
  }

  function clear(): void {
    byOperation.clear()
    reopened.value = null
  }

  return { byOperation, keep, reopen, take, clear }
})
