import { useContainerDrafts } from '@/features/containers/form/drafts'
import { i18n } from '@/i18n'
import { hideNotice, showNotice } from '@/ui/notices'
import { isDialogOpen } from './open-dialog'

/** What somebody asked for and did not get, since its code is missing. */
export interface Wanted {
  /** Where a reload of the page leads. */
  address: string
  /** Asks for it again. */
  again: () => void
  /** Whether the page may be reloaded for it without a question: what it would lose, leaving it loses as well. */
  leaves: boolean
}

const LOOK_EVERY_MS = 3_000
const ANSWERS_WITHIN_MS = 5_000
/** One reload mends what a reload can mend; a second one for the same address would be the first of many. */
const SAME_AGAIN_MS = 60_000
const RELOADED = 'imagefleet.reloaded'

const t = (key: string) => i18n.global.t(key)

let latest = 0
let notice = 0
let timer: ReturnType<typeof setTimeout> | undefined
let typedAt = 0
document.addEventListener('input', () => (typedAt = Date.now()), { capture: true, passive: true })

async function answers(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })).ok
  } catch {
    return false
  }
}

function tell(text: string, detail: string, action: { text: string; run: () => void }): void {
  hideNotice(notice)
  notice = showNotice(text, { bad: true, detail, action, stays: true })
}

function reloadedLately(address: string): boolean {
  try {
    const last = JSON.parse(sessionStorage.getItem(RELOADED) ?? 'null') as { address: string; at: number } | null
    return last !== null && last.address === address && Date.now() - last.at < SAME_AGAIN_MS
  } catch {
    return true
  }
}

function reload(address: string): void {
  sessionStorage.setItem(RELOADED, JSON.stringify({ address, at: Date.now() }))
  if (address === location.pathname + location.search + location.hash) location.reload()
  else location.assign(address)
}

/** The program answers, but does not have that file: it is a newer one, and so is its page. */
function replaced({ address, leaves }: Wanted): void {
  const action = { text: t('code.reload'), run: () => reload(address) }
  if (reloadedLately(address)) tell(t('code.broken'), '', action)
  else if (!leaves || isDialogOpen() || useContainerDrafts().byOperation.size > 0) tell(t('code.replaced'), t('code.replacedText'), action)
  else reload(address)
}

/** Nothing is wanted any more, or something else. */
export function forgetWanted(): void {
  latest += 1
  clearTimeout(timer)
  hideNotice(notice)
}

/** Says why nothing happened, and does it when it can be done. */
export async function recover(wanted: Wanted): Promise<void> {
  forgetWanted()
  const mine = latest
  const since = Date.now()
  const there = await answers()
  if (mine !== latest) return
  if (there) {
    replaced(wanted)
    return
  }
  tell(t('code.away'), t('code.awayText'), { text: t('common.tryAgain'), run: wanted.again })
  const look = async () => {
    const back = await answers()
    if (mine !== latest) return
    if (!back) timer = setTimeout(() => void look(), LOOK_EVERY_MS)
    // Who does something else by now is not taken away from it.
    else if (isDialogOpen() || typedAt > since) tell(t('code.back'), '', { text: t('code.open'), run: wanted.again })
    else wanted.again()
  }
  timer = setTimeout(() => void look(), LOOK_EVERY_MS)
}
