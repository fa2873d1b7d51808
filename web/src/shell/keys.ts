import { useEventListener } from '@vueuse/core'
import { useRouter } from 'vue-router'
import { useOperations } from '@/features/operations/store'
import { useSession } from '@/features/session/store'
import { NAV } from './nav'
import { isDialogOpen } from './open-dialog'

/** How long `g` waits for its second key. */
const SECOND_KEY_MS = 1_200

/** Inputs that are pressed and not written into. */
const PRESSED = new Set(['button', 'checkbox', 'color', 'file', 'image', 'radio', 'range', 'reset', 'submit'])

/** Whether keys belong to what has the focus now. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !PRESSED.has(target.type)
  return target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** A choice among radio buttons and a slider have the arrow keys for themselves. */
function hasArrows(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && ['radio', 'range'].includes(target.type)
}

/** Moves the focus along the elements that carry `data-row`. */
function moveAlongRows(by: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  if (rows.length === 0) return false
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement))
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
  return true
}

/** Keys that work on every page. */
export function useShellKeys(toggleHelp: () => void): void {
  const router = useRouter()
  const operations = useOperations()
  const session = useSession()
  let goPressedAt = 0

  function go(key: string): boolean {
    const entry = NAV.flat().find((candidate) => candidate.key === key)
    if (!entry || (entry.verbs && !entry.verbs.some(session.may))) return false
    // What cannot be opened is told by the router's own handler.
    router.push(entry.name === 'images' ? '/images' : { name: entry.name }).catch(() => undefined)
    return true
  }

  useEventListener(document, 'keydown', (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (isTyping(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur()
      return
    }
    if (isDialogOpen() || (event.key.startsWith('Arrow') && hasArrows(event.target))) return
    if (Date.now() - goPressedAt < SECOND_KEY_MS) {
      goPressedAt = 0
      if (go(event.key)) event.preventDefault()
      return
    }
    switch (event.key) {
      case 'g':
        goPressedAt = Date.now()
        return
      case '/': {
        const search = document.querySelector<HTMLInputElement>('main [data-search] input, main input[data-search]')
        if (search) {
          search.focus()
          search.select()
          event.preventDefault()
        }
        return
      }
      case '?':
        toggleHelp()
        return
      case 'o':
        operations.drawerOpen = !operations.drawerOpen
        return
      case 'j':
      case 'ArrowDown':
        if (moveAlongRows(1)) event.preventDefault()
        return
      case 'k':
      case 'ArrowUp':
        if (moveAlongRows(-1)) event.preventDefault()
        return
      default: {
        const button = document.querySelector<HTMLElement>(`main [data-key="${CSS.escape(event.key)}"]`)
        if (button) {
          button.click()
          event.preventDefault()
        }
      }
    }
  })
}
