import { ref } from 'vue'

export interface Notice {
  id: number
  text: string
  detail: string
  bad: boolean
  action?: { text: string; run: () => void }
}

interface NoticeOptions {
  bad?: boolean
  detail?: string
  /** What can be done about it. */
  action?: Notice['action']
  /** Until somebody closes it. */
  stays?: boolean
}

/** Short messages, shown by NoticeStack. */
export const notices = ref<Notice[]>([])
const SHOWN_MS = 6_000
let last = 0

export function hideNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}

export function showNotice(text: string, { bad = false, detail = '', action, stays = false }: NoticeOptions = {}): number {
  last += 1
  const id = last
  notices.value.push({ id, text, detail, bad, action })
  if (!stays) setTimeout(() => hideNotice(id), bad ? SHOWN_MS * 2 : SHOWN_MS)
  return id
}
