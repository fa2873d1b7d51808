import type { LocationQuery, LocationQueryRaw } from 'vue-router'

export type StatusFilter = '' | 'AVAILABLE' | 'PULLING' | 'error'
export const STATUS_FILTERS: StatusFilter[] = ['', 'AVAILABLE', 'PULLING', 'error']
export const SORTS = ['fullName', 'serverName', 'size', 'createdAt', 'updatedAt', 'status'] as const
const LARGEST_PAGE = 200

/** What narrows the images; the whole of it stands in the URL. */
export interface ImageFilters {
  q: string
  serverId: number | null
  status: StatusFilter
  unused: boolean
  repository: string
  tag: string
  softwareId: number | null
  sort: string
  page: number
  size: number
}

export const DEFAULT_SIZE = 50
export const NO_FILTERS: ImageFilters = {
  q: '', serverId: null, status: '', unused: false, repository: '', tag: '', softwareId: null, sort: '', page: 1, size: DEFAULT_SIZE,
}

function text(value: LocationQuery[string] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

function positive(value: LocationQuery[string] | undefined): number | null {
  const number = Number(text(value))
  return Number.isInteger(number) && number > 0 ? number : null
}

/** Reads the URL; what is malformed there counts as not given. */
export function readFilters(query: LocationQuery): ImageFilters {
  const status = text(query.status) as StatusFilter
  const sort = text(query.sort)
  return {
    q: text(query.q),
    serverId: positive(query.serverId),
    status: STATUS_FILTERS.includes(status) ? status : '',
    unused: text(query.unused) === 'true',
    repository: text(query.repository),
    tag: text(query.tag),
    softwareId: positive(query.softwareId),
    sort: (SORTS as readonly string[]).includes(sort.replace(/^-/, '')) ? sort : '',
    page: positive(query.page) ?? 1,
    size: Math.min(positive(query.size) ?? DEFAULT_SIZE, LARGEST_PAGE),
  }
}

/** Writes only what differs from the default, so that a shared address is short. */
export function writeFilters(filters: ImageFilters): LocationQueryRaw {
  const query: LocationQueryRaw = {}
  for (const key of Object.keys(NO_FILTERS) as (keyof ImageFilters)[]) {
    const value = filters[key]
    if (value !== NO_FILTERS[key] && value !== null) query[key] = String(value)
  }
  return query
}

/** What the API takes: nothing for what is not set. */
export function toApiQuery(filters: ImageFilters) {
  return {
    q: filters.q || undefined,
    serverId: filters.serverId === null ? undefined : String(filters.serverId),
    status: filters.status || undefined,
    unused: filters.unused || undefined,
    repository: filters.repository || undefined,
    tag: filters.tag || undefined,
    softwareId: filters.softwareId ?? undefined,
    sort: filters.sort || undefined,
    page: filters.page,
    size: filters.size,
  }
}

export type ImageApiQuery = ReturnType<typeof toApiQuery>

export function isNarrowed(filters: ImageFilters): boolean {
  const { q, serverId, status, unused, repository, tag, softwareId } = filters
  return Boolean(q || serverId || status || unused || repository || tag || softwareId)
}
