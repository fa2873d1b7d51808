import type { Right } from '@/api/types'

/** What a verb is wanted on: a server, an image on it, a server whole, or all of them. */
export interface Where {
  serverId?: number
  /** A familiar repository; with `serverId`, one image. */
  repository?: string
  /** Every repository of the server. */
  whole?: boolean
}

/** The same patterns as the program's: `*` for any characters, the slash included, `?` for one. */
export function matchesGlob(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(name)
}

/** Whether a verb is held there. The program decides; this only spares people what it would refuse. */
export function holds(rights: Right[], verb: string, where: Where): boolean {
  return rights.some((right) => {
    if (!(right.verbs as string[]).includes(verb)) return false
    const { servers, repositories } = right
    if (where.serverId !== undefined && servers && !servers.includes(where.serverId)) return false
    if (where.whole) return !repositories
    return where.repository === undefined || !repositories || repositories.some((pattern) => matchesGlob(pattern, where.repository ?? ''))
  })
}

/** Whether a verb is held on every server and repository, as what concerns no single server needs it. */
export function holdsEverywhere(rights: Right[], verb: string): boolean {
  return rights.some((right) => (right.verbs as string[]).includes(verb) && !right.servers && !right.repositories)
}
