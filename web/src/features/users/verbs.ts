import type { Role } from '@/api/types'

export type Verb = Role['verbs'][number]

/** Everything that may be allowed, in the order in which it is shown. */
export const VERBS: Verb[] = [
  'image:view', 'image:pull', 'image:push', 'image:delete', 'image:export', 'image:import', 'image:copy', 'container:create', 'container:manage',
  'server:manage', 'registry:manage', 'software:manage', 'user:manage', 'audit:view',
]

/** The key of a verb's words in the locales. */
export const verbKey = (verb: string) => `verbs.${verb.replace(':', '_')}`
