import type { ContainerForm as FilledForm, NewContainer, SoftwareForm } from '@/api/types'
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
  /** Others; one that has a value makes this one unnecessary. */
  unless: string[]
  /** Comes from the catalogue; left out again when it stays empty and is not required. */
  offered: boolean
}

export function emptyVariable(): EnvRow {
  return { name: '', value: '', required: false, secret: false, description: '', unless: [], offered: false }
}

/** Whether a variable must have a value and has none, nor has another that stands for it. */
export function isMissing(variable: EnvRow, all: EnvRow[]): boolean {
  if (!variable.required || variable.value) return false
  return !all.some((other) => variable.unless.includes(other.name.trim()) && other.value !== '')
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

const portRow = (port: SoftwareForm['ports'][number]): PortRow => ({
  host: port.host ? String(port.host) : '', container: String(port.container), protocol: port.protocol ?? 'tcp', hostIp: port.hostIp ?? '',
})
const volumeRow = (volume: SoftwareForm['volumes'][number]): VolumeRow => ({ source: volume.source, target: volume.target, readOnly: volume.readOnly ?? false })
const commandText = (words: string[] | null | undefined) => (words ?? []).map(shellQuote).join(' ')

/** What the server filled in from the image and the catalogue, as the form shows it. `chinese` chooses between two descriptions. */
export function fromFilled({ spec, env }: FilledForm, chinese: boolean): ContainerForm {
  const known = new Set(env.map((variable) => variable.name))
  const rest = Object.entries(spec.env ?? {}).filter(([name]) => !known.has(name))
  return {
    ...emptyContainer(),
    name: spec.name ?? '',
    hostname: spec.hostname ?? '',
    ports: (spec.ports ?? []).map(portRow),
    env: [
      ...env.map(({ name, value, required, secret, unless, description, descriptionZh, from }) => ({
        name, value, required, secret, unless: [...unless], description: (chinese && descriptionZh) || description, offered: from === 'software' || value === '',
      })),
      ...rest.map(([name, value]) => ({ ...emptyVariable(), name, value })),
    ],
    volumes: (spec.volumes ?? []).map(volumeRow),
    restart: spec.restartPolicy?.name ?? 'no',
    network: spec.networkMode || 'bridge',
    command: commandText(spec.command),
    entrypoint: commandText(spec.entrypoint),
    workingDir: spec.workingDir ?? '',
    user: spec.user ?? '',
    labels: Object.entries(spec.labels ?? {}).map(([name, value]) => ({ name, value })),
    start: true,
  }
}

/** A catalogue entry's form, to be edited. */
export function fromSoftware(software: SoftwareForm): ContainerForm {
  return {
    ...emptyContainer(),
    ports: software.ports.map(portRow),
    env: software.env.map(({ name, value, required, secret, unless, description }) => ({
      name, value: value ?? '', required: required ?? false, secret: secret ?? false, unless: [...(unless ?? [])], description: description ?? '', offered: true,
    })),
    volumes: software.volumes.map(volumeRow),
    restart: software.restartPolicy.name ?? 'no',
    command: commandText(software.command),
  }
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

const filled = (text: string) => text.trim() || null

export const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

/** Whether a row can be said at all: the checks tell what is wrong with another, and the preview says nothing that is not so. */
const isReadable = ({ host, container }: PortRow) => isPort(container.trim()) && (!host.trim() || isPort(host.trim()))

/** The body for the API. Empty and unreadable rows are dropped; a required variable stays, even when empty: it is an error, never left out. */
export function toContainerInput(form: ContainerForm): NewContainer {
  const words = (text: string) => splitWords(text) ?? []
  return {
    name: form.name.trim(),
    hostname: filled(form.hostname),
    ports: form.ports
      .filter(isReadable)
      .map((port) => ({
        host: port.host.trim() ? Number(port.host) : undefined,
        container: Number(port.container),
        protocol: port.protocol,
        hostIp: filled(port.hostIp),
      })),
    env: Object.fromEntries(form.env.filter((row) => row.name.trim() && (row.value || isMissing(row, form.env) || !row.offered)).map((row) => [row.name.trim(), row.value])),
    volumes: form.volumes.filter((row) => row.source.trim() || row.target.trim()).map((row) => ({ source: row.source.trim(), target: row.target.trim(), readOnly: row.readOnly })),
    restartPolicy: { name: form.restart, maximumRetryCount: form.restart === 'on-failure' && form.retries.trim() ? Number(form.retries) : undefined },
    networkMode: form.network.trim() || 'bridge',
    command: words(form.command),
    entrypoint: form.entrypoint.trim() ? words(form.entrypoint) : null,
    workingDir: filled(form.workingDir),
    user: filled(form.user),
    labels: Object.fromEntries(form.labels.filter((row) => row.name.trim()).map((row) => [row.name.trim(), row.value])),
    memoryBytes: readMemory(form.memory),
    nanoCpus: readCpus(form.cpus),
    privileged: form.privileged,
    autoRemove: form.autoRemove,
    start: form.start,
  }
}
