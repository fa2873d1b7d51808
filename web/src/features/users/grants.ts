import type { Grant } from '@/api/types'

/** A grant as it is edited: one way to name the servers at a time. */
export interface GrantForm {
  role: string
  where: 'all' | 'tags' | 'ids'
  ids: number[]
  tags: string[]
  repositories: string
}

export function emptyGrant(): GrantForm {
  return { role: 'viewer', where: 'all', ids: [], tags: [], repositories: '*' }
}

export function toGrantForm(grant: Grant): GrantForm {
  const { all, ids, tags } = grant.servers ?? {}
  return {
    role: grant.role,
    where: all ? 'all' : tags?.length ? 'tags' : 'ids',
    ids: [...(ids ?? [])],
    tags: [...(tags ?? [])],
    repositories: (grant.repositories ?? ['*']).join(' '),
  }
}

export function toGrant(form: GrantForm): Grant {
  const patterns = form.repositories.split(/[\s,]+/).filter(Boolean)
  return {
    role: form.role,
    servers: { all: form.where === 'all', ids: form.where === 'ids' ? [...form.ids] : [], tags: form.where === 'tags' ? [...form.tags] : [] },
    repositories: patterns.length ? patterns : ['*'],
  }
}
