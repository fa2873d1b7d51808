import { computed, ref, type Ref } from 'vue'
import type { Image } from '@/api/types'

/** Images chosen in the list; the choice outlives a change of page. */
export function useSelection(here: Ref<Image[]>) {
  const chosen = ref(new Map<number, Image>())
  const countHere = computed(() => here.value.filter((image) => chosen.value.has(image.id)).length)
  const allHere = computed(() => here.value.length > 0 && countHere.value === here.value.length)
  const someHere = computed(() => countHere.value > 0 && !allHere.value)
  const images = computed(() => [...chosen.value.values()])

  function toggle(image: Image): void {
    if (!chosen.value.delete(image.id)) chosen.value.set(image.id, image)
  }

  function toggleAll(): void {
    const add = !allHere.value
    for (const image of here.value) {
      if (add) chosen.value.set(image.id, image)
      else chosen.value.delete(image.id)
    }
  }

  return { images, allHere, someHere, toggle, toggleAll, has: (image: Image) => chosen.value.has(image.id), clear: () => chosen.value.clear() }
}

export type Selection = ReturnType<typeof useSelection>
