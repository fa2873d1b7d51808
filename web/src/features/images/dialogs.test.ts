import { createPinia, setActivePinia } from 'pinia'
import { expect, it } from 'vitest'
import { useImageDialogs, type ImageLike } from './dialogs'

it('no dialog of one user is open for the next', () => {
  setActivePinia(createPinia())
  const dialogs = useImageDialogs()
  const image = { id: 1 } as ImageLike
  dialogs.$patch({ pull: {}, remove: { images: [image] }, sync: [], exporting: { images: [image] }, copy: image, importing: { serverIds: [] }, container: image, naming: { mode: 'tag', image } })
  expect(Object.values(dialogs.$state)).not.toContain(null)
  dialogs.clear()
  expect(new Set(Object.values(dialogs.$state))).toEqual(new Set([null]))
})
