import { nextTick, watch, type Ref } from 'vue'

/** Whether nothing has the focus: what had it is gone or disabled. */
export function isFocusLost(): boolean {
  return !document.activeElement || document.activeElement === document.body
}

/**
 * Gives the focus back to what opened a dialog. The library does so too, but not when the button that ends the dialog was pressed by the
 * mouse and is disabled by then.
 */
export function useOpener(open: Ref<boolean>): void {
  let opener: Element | null = null
  watch(
    open,
    async (now) => {
      if (now) {
        opener = document.activeElement
        return
      }
      // The library's own turn comes first.
      await nextTick()
      await nextTick()
      if (isFocusLost() && opener instanceof HTMLElement && opener.isConnected) opener.focus()
    },
    { immediate: true, flush: 'sync' },
  )
}
