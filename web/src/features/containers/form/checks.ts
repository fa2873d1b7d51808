import type { Container } from '@/api/types'
import { isMissing, readCpus, readMemory, type ContainerForm } from './model'
import { isIp, overlap } from './host-ip'
import { splitWords } from './words'

export type CheckCode =
  | 'name' | 'nameTaken' | 'hostname' | 'port' | 'portTwice' | 'portTaken' | 'portsWithoutNetwork' | 'hostIp' | 'env' | 'envTwice' | 'envRequired'
  | 'volumeSource' | 'volumeTarget' | 'volumeTwice' | 'retries' | 'restartAndRemove' | 'quote' | 'workingDir' | 'memory' | 'cpus' | 'label'

export type Section = 'basics' | 'ports' | 'environment' | 'volumes' | 'advanced'

/** Something wrong: where, at which row, and why. */
export interface Check {
  section: Section
  row: number
  code: CheckCode
  what: string
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const HOSTNAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62})(?:\.[a-zA-Z0-9][a-zA-Z0-9-]{0,62})*$/
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const SMALLEST_MEMORY = 6 * 1024 ** 2

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

/** Everything that can be known wrong before the engine is asked. `others` are the containers of that server. */
export function checkContainer(form: ContainerForm, others: Container[]): Check[] {
  return [...basics(form, others), ...ports(form, others), ...environment(form), ...volumes(form), ...advanced(form)]
}

function basics(form: ContainerForm, others: Container[]): Check[] {
  const found: Check[] = []
  const add = (code: CheckCode, what = '') => found.push({ section: 'basics', row: -1, code, what })
  const name = form.name.trim()
  if (!NAME.test(name) || name.length < 2) add('name', name)
  else if (others.some((other) => other.name === name)) add('nameTaken', name)
  if (form.hostname.trim() && !HOSTNAME.test(form.hostname.trim())) add('hostname', form.hostname)
  if (form.restart === 'on-failure' && form.retries.trim() && !/^\d{1,6}$/.test(form.retries.trim())) add('retries', form.retries)
  if (form.autoRemove && form.restart !== 'no') add('restartAndRemove')
  return found
}

function ports(form: ContainerForm, others: Container[]): Check[] {
  const found: Check[] = []
  const taken = new Set(
    others.filter((other) => other.state === 'running').flatMap((other) => other.ports.filter((port) => port.host).map((port) => `${port.host}/${port.protocol}`)),
  )
  const published = form.ports.filter((port) => port.container.trim() || port.host.trim())
  if (published.length > 0 && (form.network === 'host' || form.network === 'none')) found.push({ section: 'ports', row: -1, code: 'portsWithoutNetwork', what: form.network })
  form.ports.forEach((port, row) => {
    const [container, host] = [port.container.trim(), port.host.trim()]
    if (!container && !host) return
    const add = (code: CheckCode, what: string) => found.push({ section: 'ports', row, code, what })
    if (!isPort(container)) add('port', container)
    if (host && !isPort(host)) add('port', host)
    if (port.hostIp.trim() && !isIp(port.hostIp.trim())) add('hostIp', port.hostIp)
    if (!host || !isPort(host)) return
    const twice = form.ports.slice(0, row).some((other) => other.host.trim() === host && other.protocol === port.protocol && overlap(other.hostIp.trim(), port.hostIp.trim()))
    if (twice) add('portTwice', host)
    if (taken.has(`${host}/${port.protocol}`)) add('portTaken', host)
  })
  return found
}

function environment(form: ContainerForm): Check[] {
  const found: Check[] = []
  const seen = new Set<string>()
  form.env.forEach((variable, row) => {
    const name = variable.name.trim()
    const add = (code: CheckCode) => found.push({ section: 'environment', row, code, what: name })
    if (!name && !variable.value) return
    if (!name || /[=\s\0]/.test(name)) add('env')
    else if (seen.has(name)) add('envTwice')
    seen.add(name)
    if (isMissing(variable, form.env)) add('envRequired')
  })
  return found
}

function volumes(form: ContainerForm): Check[] {
  const found: Check[] = []
  const seen = new Set<string>()
  form.volumes.forEach((volume, row) => {
    const [source, target] = [volume.source.trim(), volume.target.trim()]
    if (!source && !target) return
    const add = (code: CheckCode, what: string) => found.push({ section: 'volumes', row, code, what })
    // docker separates source, target and options by colons.
    if (source.startsWith('/') ? source.includes(':') : !VOLUME_NAME.test(source)) add('volumeSource', source)
    if (!target.startsWith('/') || target === '/' || target.includes(':')) add('volumeTarget', target)
    else if (seen.has(target)) add('volumeTwice', target)
    seen.add(target)
  })
  return found
}

function advanced(form: ContainerForm): Check[] {
  const found: Check[] = []
  const add = (code: CheckCode, what = '') => found.push({ section: 'advanced', row: -1, code, what })
  if (splitWords(form.command) === null) add('quote', form.command)
  if (splitWords(form.entrypoint) === null) add('quote', form.entrypoint)
  if (form.workingDir.trim() && !form.workingDir.trim().startsWith('/')) add('workingDir', form.workingDir)
  if (form.memory.trim() && (readMemory(form.memory) ?? 0) < SMALLEST_MEMORY) add('memory', form.memory)
  if (form.cpus.trim() && readCpus(form.cpus) === null) add('cpus', form.cpus)
  if (form.labels.some((label) => !label.name.trim() && label.value)) add('label')
  return found
}
