import type { Server, ServerBody } from '@/api/types'

export type Way = 'unix' | 'tcp' | 'tcps' | 'ssh'
export const WAYS: Way[] = ['unix', 'tcp', 'tcps', 'ssh']
const SSH_PORT = 22
const DEFAULT_PORTS: Partial<Record<Way, number>> = { tcp: 2375, tcps: 2376 }
const LARGEST_PORT = 65_535

/** The form of a server: the endpoint in its parts, secrets only when they are to change. */
export interface ServerForm {
  name: string
  way: Way
  path: string
  host: string
  port: string
  user: string
  tags: string[]
  description: string
  ca: string
  cert: string
  key: string
  sshWith: 'key' | 'password'
  privateKey: string
  passphrase: string
  password: string
  hostKey: string
  /** The machine to go through, `ssh://user@host[:port]`; empty for none. */
  jump: string
  jumpKey: string
  jumpPassword: string
  jumpHostKey: string
  /** How many changing steps at once; empty for the program's setting. */
  stepLimit: string
  offPeak: boolean
  offPeakFrom: string
  offPeakUntil: string
  offPeakZone: string
  offPeakBulk: boolean
}

export function emptyForm(): ServerForm {
  return {
    name: '', way: 'tcp', path: '/var/run/docker.sock', host: '', port: '', user: 'root', tags: [], description: '',
    ca: '', cert: '', key: '', sshWith: 'key', privateKey: '', passphrase: '', password: '', hostKey: '',
    jump: '', jumpKey: '', jumpPassword: '', jumpHostKey: '',
    stepLimit: '', offPeak: false, offPeakFrom: '22:00', offPeakUntil: '06:00', offPeakZone: Intl.DateTimeFormat().resolvedOptions().timeZone, offPeakBulk: true,
  }
}

/** `host:port`, `[v6]:port` or a bare host. */
function splitHost(text: string): { host: string; port: string } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text)
  return match ? { host: match[1] ?? '', port: match[2] ?? '' } : { host: text, port: '' }
}

export function readEndpoint(endpoint: string): Pick<ServerForm, 'way' | 'path' | 'host' | 'port' | 'user'> {
  const blank = { path: '/var/run/docker.sock', host: '', port: '', user: 'root' }
  const [scheme = '', rest = ''] = endpoint.split('://')
  if (scheme === 'unix') return { ...blank, way: 'unix', path: rest }
  if (scheme === 'ssh') {
    const at = rest.lastIndexOf('@')
    return { ...blank, way: 'ssh', user: rest.slice(0, Math.max(0, at)), ...splitHost(rest.slice(at + 1)) }
  }
  return { ...blank, way: scheme === 'tcps' ? 'tcps' : 'tcp', ...splitHost(rest) }
}

export function writeEndpoint(form: ServerForm): string {
  const host = form.host.includes(':') && !form.host.startsWith('[') ? `[${form.host.trim()}]` : form.host.trim()
  const port = form.port.trim()
  if (form.way === 'unix') return `unix://${form.path.trim()}`
  if (form.way === 'ssh') return `ssh://${form.user.trim()}@${host}${port && port !== String(SSH_PORT) ? `:${port}` : ''}`
  return `${form.way}://${host}:${port || DEFAULT_PORTS[form.way]}`
}

export type FormFault = 'name' | 'path' | 'host' | 'port' | 'user' | 'tls' | 'ssh' | 'jump' | 'limit' | 'offPeak'

/** Everything that a new or changed server lacks; `known` is true when secrets are already stored. */
export function formFaults(form: ServerForm, known: boolean): FormFault[] {
  const found: FormFault[] = form.name.trim() ? [] : ['name']
  found.push(...wayFaults(form, known))
  const limit = form.stepLimit.trim()
  if (limit && !(/^\d{1,3}$/.test(limit) && Number(limit) >= 1)) found.push('limit')
  if (form.offPeak && (!TIME.test(form.offPeakFrom) || !TIME.test(form.offPeakUntil) || form.offPeakFrom === form.offPeakUntil)) found.push('offPeak')
  return found
}

/** What of that is about the way to the engine. */
export function wayFaults(form: ServerForm, known: boolean): FormFault[] {
  if (form.way === 'unix') return form.path.trim().startsWith('/') ? [] : ['path']
  const found: FormFault[] = []
  if (form.way === 'ssh' && (!form.user.trim() || /[\s:@/]/.test(form.user.trim()))) found.push('user')
  if (!form.host.trim() || /[\s/@]/.test(form.host.trim())) found.push('host')
  const port = form.port.trim()
  if (port && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= LARGEST_PORT)) found.push('port')
  if (form.way === 'tcps') {
    const given = [form.ca, form.cert, form.key].filter((pem) => pem.trim()).length
    if (given === 0 ? !known : Boolean(form.cert.trim()) !== Boolean(form.key.trim())) found.push('tls')
  }
  if (form.way === 'ssh') {
    const secret = form.sshWith === 'key' ? form.privateKey : form.password
    if (!known && !secret.trim()) found.push('ssh')
    if (form.jump.trim() && !JUMP.test(form.jump.trim())) found.push('jump')
  }
  return found
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/
const JUMP = /^ssh:\/\/[^\s:@/]+@[^\s@/]+$/

/** True where plain TCP leaves the machine: anybody on the way could command the engine. */
export function isExposed(form: ServerForm): boolean {
  return form.way === 'tcp' && form.host.trim() !== '' && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(form.host.trim())
}

export function toForm(server: Server): ServerForm {
  return {
    ...emptyForm(),
    ...readEndpoint(server.endpoint),
    name: server.name,
    tags: [...server.tags],
    description: server.description ?? '',
    hostKey: server.ssh?.hostKey ?? '',
    jump: server.ssh?.jump?.endpoint ?? '',
    jumpHostKey: server.ssh?.jump?.hostKey ?? '',
    stepLimit: server.stepLimit ? String(server.stepLimit) : '',
    ...(server.offPeak && { offPeak: true, offPeakFrom: server.offPeak.from, offPeakUntil: server.offPeak.until, offPeakZone: server.offPeak.timeZone, offPeakBulk: server.offPeak.bulk }),
    sshWith: server.ssh?.hasPassword && !server.ssh.hasPrivateKey ? 'password' : 'key',
  }
}

/** What is said of the machine in between: nothing where nothing changed, null where there is none any more. */
function jumpInput(form: ServerForm, before?: Server) {
  const known = before?.ssh?.jump
  if (!form.jump.trim()) return known ? null : undefined
  const hostKey = form.jumpHostKey.trim()
  const jump = {
    endpoint: form.jump.trim() === known?.endpoint ? undefined : form.jump.trim(),
    privateKey: form.jumpKey || undefined,
    password: form.jumpPassword || undefined,
    hostKey: hostKey === (known?.hostKey ?? '') ? undefined : hostKey || null,
  }
  return Object.values(jump).some((value) => value !== undefined) ? jump : undefined
}

/** The body of a call; empty secrets are left out, so that stored ones stay. */
export function toInput(form: ServerForm, before?: Server): ServerBody {
  const input: ServerBody = {
    name: form.name.trim(),
    endpoint: writeEndpoint(form),
    tags: form.tags.map((tag) => tag.trim()).filter(Boolean),
    description: form.description.trim(),
    stepLimit: form.stepLimit.trim() ? Number(form.stepLimit) : null,
    offPeak: form.offPeak ? { from: form.offPeakFrom, until: form.offPeakUntil, timeZone: form.offPeakZone, bulk: form.offPeakBulk } : null,
  }
  if (form.way === 'tcps' && (form.ca || form.cert || form.key)) {
    input.tls = { ca: form.ca || undefined, cert: form.cert || undefined, key: form.key || undefined }
  }
  if (form.way === 'ssh') {
    const hostKeyChanged = form.hostKey.trim() !== (before?.ssh?.hostKey ?? '')
    const secret = form.sshWith === 'key'
      ? { privateKey: form.privateKey || undefined, passphrase: form.passphrase || undefined }
      : { password: form.password || undefined }
    const ssh = { ...secret, hostKey: hostKeyChanged ? form.hostKey.trim() || null : undefined, jump: jumpInput(form, before) }
    if (Object.values(ssh).some((value) => value !== undefined)) input.ssh = ssh
  }
  return input
}
