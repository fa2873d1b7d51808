import { nextTick, onBeforeUnmount, onMounted, onUpdated, type Ref } from 'vue'
import { isFocusLost } from '@/ui/opener'

/**
 * Buttons that were pressed vanish with the state that they change, and others come. Who pressed one by the keyboard stays where they
 * were: at the button that comes, else at the entry itself.
 */
export function useHeldFocus(root: Ref<HTMLElement | null>, testid: () => string): void {
  let held = false
  const onIn = () => (held = true)
  const onOut = (event: FocusEvent) => {
    if (event.relatedTarget) held = false
  }
  const onPointer = (event: PointerEvent) => {
    if (!root.value?.contains(event.target as Node)) held = false
  }
  const first = (place: Element | null | undefined) => place?.querySelector<HTMLElement>('button:not(:disabled), a[href]')

  onMounted(() => {
    root.value?.addEventListener('focusin', onIn)
    root.value?.addEventListener('focusout', onOut)
    document.addEventListener('pointerdown', onPointer, { capture: true, passive: true })
  })
  onUpdated(() => {
    // A button that is busy comes back, or another in its place.
    if (!held || root.value?.querySelector('.is-loading') || !isFocusLost()) return
    const next = first(root.value) ?? first(root.value?.closest('article'))
    next?.focus()
  })
  onBeforeUnmount(() => {
    document.removeEventListener('pointerdown', onPointer, { capture: true })
    if (!held) return
    const entry = root.value?.closest('article')
    const beside = entry?.nextElementSibling ?? entry?.previousElementSibling
    void nextTick(() => {
      if (!isFocusLost()) return
      // Its entry may stand elsewhere now, as among those that ended.
      const moved = document.querySelector(`[data-testid="${CSS.escape(testid())}"]`)
      const next = first(moved) ?? (beside?.isConnected ? first(beside) : null) ?? document.getElementById('main')
      next?.focus()
    })
  })
}
