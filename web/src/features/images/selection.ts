import { useQuery } from '@tanstack/vue-query'
import { computed, ref, watch, type Ref } from 'vue'
import type { Image } from '@/api/types'
import { readImages } from './api'

/** Images chosen in the list; the choice outlives a change of page, but not the image. */
export function useSelection(here: Ref<Image[]>, chosen: Ref<Map<number, Image>> = ref(new Map())) {
  const countHere = computed(() => here.value.filter((image) => chosen.value.has(image.id)).length)
  const allHere = computed(() => here.value.length > 0 && countHere.value === here.value.length)
  const someHere = computed(() => countHere.value > 0 && !allHere.value)
  const images = computed(() => [...chosen.value.values()])
  /** Chosen, but not among the rows that are shown: on another page, or gone. */
  const elsewhere = computed(() => {
    const shown = new Set(here.value.map((image) => image.id))
    return images.value.filter((image) => !shown.has(image.id))
  })

  /** Of the images that were asked for, those found are taken as they are now, the others are dropped. */
  function take(asked: Image[], found: Image[]): void {
    const now = new Map(found.map((image) => [image.id, image]))
    for (const { id } of asked) {
      const image = now.get(id)
      if (!chosen.value.has(id)) continue
      if (image) chosen.value.set(id, image)
      else chosen.value.delete(id)
    }
  }

  watch(here, (rows) => take(rows, rows))

  // Asked again with the lists, whenever images have changed.
  const beyond = useQuery({
    queryKey: ['images', 'chosen', computed(() => elsewhere.value.map((image) => image.id))],
    queryFn: async () => {
      const asked = elsewhere.value
      return { asked, found: await readImages(asked) }
    },
    enabled: () => elsewhere.value.length > 0,
    gcTime: 0,
    staleTime: 0,
  })
  watch(beyond.data, (answer) => {
    if (answer) take(answer.asked, answer.found)
  })

  /** The chosen images as the server has them at this moment. */
  async function renew(): Promise<Image[]> {
    const asked = images.value
    take(asked, await readImages(asked))
    return images.value
  }

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

  return { images, allHere, someHere, toggle, toggleAll, renew, has: (image: Image) => chosen.value.has(image.id), clear: () => chosen.value.clear() }
}

export type Selection = ReturnType<typeof useSelection>
