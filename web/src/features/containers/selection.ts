import { computed, ref, type Ref } from 'vue'
import type { Container } from '@/api/types'

/** Containers chosen on the page that is shown. */
export function useContainerSelection(here: Ref<Container[]>) {
  const ids = ref(new Set<number>())
  const chosen = computed(() => here.value.filter((container) => ids.value.has(container.id)))
  const allHere = computed(() => here.value.length > 0 && chosen.value.length === here.value.length)

  function toggle(container: Container): void {
    if (!ids.value.delete(container.id)) ids.value.add(container.id)
  }

  function toggleAll(): void {
    ids.value = allHere.value ? new Set() : new Set(here.value.map((container) => container.id))
  }

  return { chosen, allHere, toggle, toggleAll, has: (container: Container) => ids.value.has(container.id), clear: () => ids.value.clear() }
}

export type ContainerSelection = ReturnType<typeof useContainerSelection>
