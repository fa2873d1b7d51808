import { ref } from 'vue'

export interface Notice {
  id: number
  text: string
  detail: string
  bad: boolean
}

/** Short messages, shown by NoticeStack. */
export const notices = ref<Notice[]>([])
const SHOWN_MS = 6_000
let last = 0

export function hideNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}

export function showNotice(text: string, options: { bad?: boolean; detail?: string } = {}): void {
  last += 1
  const id = last
  notices.value.push({ id, text, detail: options.detail ?? '', bad: options.bad ?? false })
  setTimeout(() => hideNotice(id), options.bad ? SHOWN_MS * 2 : SHOWN_MS)
}
