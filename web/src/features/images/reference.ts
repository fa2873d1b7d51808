/** The parts of a reference as a person writes it. */
export interface ReferenceParts {
  /** Host with port, or empty for Docker Hub. */
  registry: string
  /** Path below the registry, without tag and digest. */
  path: string
  tag: string
  digest: string
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
/** The most that registries take (OCI distribution specification). */
const LONGEST_PATH = 255
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/

/** Splits without judging: `host:5000/ns/app:1.2@sha256:…` keeps its port and its path. */
export function splitReference(text: string): ReferenceParts {
  let rest = text
  let digest = ''
  const at = rest.indexOf('@')
  if (at >= 0) {
    digest = rest.slice(at + 1)
    rest = rest.slice(0, at)
  }
  const slash = rest.lastIndexOf('/')
  const colon = rest.indexOf(':', slash + 1)
  let tag = ''
  if (colon >= 0) {
    tag = rest.slice(colon + 1)
    rest = rest.slice(0, colon)
  }
  const first = rest.indexOf('/')
  const head = first >= 0 ? rest.slice(0, first) : ''
  const isHost = head === 'localhost' || head.includes('.') || head.includes(':') || head !== head.toLowerCase()
  return isHost
    ? { registry: head, path: rest.slice(first + 1), tag, digest }
    : { registry: '', path: rest, tag, digest }
}

/** The repository of a reference in the familiar form, as rights are granted on it. */
export function repositoryOf(reference: string): string {
  const { registry, path } = splitReference(reference)
  return [registry, path].filter(Boolean).join('/')
}

export type ReferenceFault = 'empty' | 'space' | 'registry' | 'length' | 'path' | 'tag' | 'digest'

/** The first thing that is wrong with a reference, or null. */
export function referenceFault(text: string): ReferenceFault | null {
  const trimmed = text.trim()
  if (!trimmed) return 'empty'
  if (/\s/.test(trimmed)) return 'space'
  const { registry, path, tag, digest } = splitReference(trimmed)
  if (registry && !HOST.test(registry)) return 'registry'
  if (path.length > LONGEST_PATH) return 'length'
  if (!path || !path.split('/').every((part) => COMPONENT.test(part))) return 'path'
  if (trimmed.split('@')[0]?.endsWith(':') || (tag && !TAG.test(tag))) return 'tag'
  if (trimmed.includes('@') && !DIGEST.test(digest)) return 'digest'
  return null
}

/** The reference with `:latest` where neither tag nor digest is given. */
export function withDefaultTag(text: string, tag = 'latest'): string {
  const parts = splitReference(text.trim())
  return parts.tag || parts.digest ? text.trim() : `${text.trim()}:${tag || 'latest'}`
}
