import type { ContainerInput, ImageConfig, SoftwareForm } from '@/api/types'
import { shellQuote, splitWords } from './words'

export interface PortRow {
  host: string
  container: string
  protocol: 'tcp' | 'udp'
  hostIp: string
}

export interface EnvRow {
  name: string
  value: string
  required: boolean
  secret: boolean
  description: string
  /** Comes from the catalogue; left out again when it stays empty and is not required. */
  offered: boolean
}

export interface VolumeRow {
  source: string
  target: string
  readOnly: boolean
}

export interface LabelRow {
  name: string
  value: string
}

export const RESTARTS = ['no', 'always', 'on-failure', 'unless-stopped'] as const
export type RestartName = (typeof RESTARTS)[number]

/** The form as it is typed; numbers are text until they are checked. */
export interface ContainerForm {
  name: string
  hostname: string
  ports: PortRow[]
  env: EnvRow[]
  volumes: VolumeRow[]
  restart: RestartName
  retries: string
  network: string
  command: string
  entrypoint: string
  workingDir: string
  user: string
  labels: LabelRow[]
  memory: string
  cpus: string
  privileged: boolean
  autoRemove: boolean
  start: boolean
}

export function emptyContainer(): ContainerForm {
  return {
    name: '', hostname: '', ports: [], env: [], volumes: [], restart: 'no', retries: '', network: 'bridge', command: '', entrypoint: '',
    workingDir: '', user: '', labels: [], memory: '', cpus: '', privileged: false, autoRemove: false, start: true,
  }
}

/** A container name from an image's: the last part of its path, as far as the engine allows it. */
export function suggestName(fullName: string): string {
  const last = fullName.split('@')[0]?.split('/').at(-1)?.split(':')[0] ?? ''
  const name = last.replace(/[^a-zA-Z0-9_.-]/g, '-').replace(/^[^a-zA-Z0-9]+/, '')
  return /^sha256/.test(name) ? '' : name
}

/** Fills the form from the image itself, then from the catalogue entry, which knows better. */
export function prefill(fullName: string, config: ImageConfig | null | undefined, software?: SoftwareForm): ContainerForm {
  const form = emptyContainer()
  form.name = suggestName(fullName)
  for (const port of config?.exposedPorts ?? []) {
    const [container = '', protocol] = port.split('/')
    form.ports.push({ host: '', container, protocol: protocol === 'udp' ? 'udp' : 'tcp', hostIp: '' })
  }
  for (const target of config?.volumes ?? []) form.volumes.push({ source: `${form.name || 'data'}${target.replace(/\W+/g, '-')}`, target, readOnly: false })
  if (!software) return form
  for (const port of software.ports) {
    const known = form.ports.find((row) => row.container === String(port.container) && row.protocol === (port.protocol ?? 'tcp'))
    if (known) known.host = port.host ? String(port.host) : ''
    else form.ports.push({ host: port.host ? String(port.host) : '', container: String(port.container), protocol: port.protocol ?? 'tcp', hostIp: port.hostIp ?? '' })
  }
  form.env = software.env.map((entry) => ({
    name: entry.name, value: entry.value ?? '', required: entry.required ?? false, secret: entry.secret ?? false, description: entry.description ?? '', offered: true,
  }))
  for (const volume of software.volumes) {
    const known = form.volumes.find((row) => row.target === volume.target)
    if (known) known.source = volume.source
    else form.volumes.push({ source: volume.source, target: volume.target, readOnly: volume.readOnly ?? false })
  }
  form.restart = (software.restartPolicy.name as RestartName | undefined) ?? 'no'
  form.command = software.command.map(shellQuote).join(' ')
  return form
}

const UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `512m`, `1.5g`, as `docker run --memory` takes it; null when it is no size. */
export function readMemory(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmg]?)b?$/i.exec(text.trim())
  if (!match) return null
  return Math.round(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1))
}

/** CPUs as `docker run --cpus` takes them, in billionths; null when it is no number. */
export function readCpus(text: string): number | null {
  const cpus = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text.trim()) : NaN
  return cpus > 0 ? Math.round(cpus * 1e9) : null
}

const filled = (text: string) => text.trim() || undefined

/** The body for the API. Empty rows are dropped; a required variable stays, even when empty: it is an error, never left out. */
export function toContainerInput(form: ContainerForm): ContainerInput {
  const words = (text: string) => splitWords(text) ?? []
  return {
    name: form.name.trim(),
    hostname: filled(form.hostname),
    ports: form.ports
      .filter((port) => port.container.trim())
      .map((port) => ({
        host: port.host.trim() ? Number(port.host) : undefined,
        container: Number(port.container),
        protocol: port.protocol,
        hostIp: filled(port.hostIp),
      })),
    env: Object.fromEntries(form.env.filter((row) => row.name.trim() && (row.value || row.required || !row.offered)).map((row) => [row.name.trim(), row.value])),
    volumes: form.volumes.filter((row) => row.source.trim() || row.target.trim()).map((row) => ({ source: row.source.trim(), target: row.target.trim(), readOnly: row.readOnly })),
    restartPolicy: { name: form.restart, maximumRetryCount: form.restart === 'on-failure' && form.retries.trim() ? Number(form.retries) : undefined },
    networkMode: form.network.trim() || 'bridge',
    command: words(form.command),
    entrypoint: form.entrypoint.trim() ? words(form.entrypoint) : undefined,
    workingDir: filled(form.workingDir),
    user: filled(form.user),
    labels: Object.fromEntries(form.labels.filter((row) => row.name.trim()).map((row) => [row.name.trim(), row.value])),
    memoryBytes: readMemory(form.memory) ?? undefined,
    nanoCpus: readCpus(form.cpus) ?? undefined,
    privileged: form.privileged,
    autoRemove: form.autoRemove,
    start: form.start,
  } as ContainerInput
}
