import type { Container, ImageDetail } from '@/api/types'
import type { ImageLike } from './dialogs'
import { isEngineId } from './engine-id'

/** A container in one of these states holds the content of its image, force or not. */
const ACTIVE = ['running', 'paused', 'restarting']

/**
 * What the engine does with an image that it is told to delete.
 * - `goes`: name and content go.
 * - `name`: this name goes; the content has others.
 * - `force`: refused, unless by force.
 * - `untags`: refused; by force the name goes, the content stays while its container runs.
 * - `refused`: force or not.
 */
export type Removal = 'goes' | 'name' | 'force' | 'untags' | 'refused'

/** The names under which the content stays when this one goes. */
export function otherNames(image: ImageLike, detail: ImageDetail | undefined): string[] {
  return (detail?.engine?.repoTags ?? []).filter((name) => name !== image.fullName)
}

export function removalOf(image: ImageLike, detail: ImageDetail | undefined): Removal {
  // Only the row of a pull that never brought it.
  if (image.engineId === '') return 'goes'
  if (otherNames(image, detail).length) return 'name'
  const containers: Pick<Container, 'state'>[] = detail?.containers ?? []
  if (containers.some((container) => ACTIVE.includes(container.state))) return byId(image) ? 'refused' : 'untags'
  return containers.length || (!detail && image.usedBy?.length) ? 'force' : 'goes'
}

/** Without a tag it is deleted by its id, and then a running container forbids it. */
function byId(image: ImageLike): boolean {
  return image.tag === null || isEngineId(image.fullName)
}
