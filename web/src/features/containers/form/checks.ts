import type { Container } from '@/api/types'
import { isMissing, isPort, readCpus, readMemory, type ContainerForm, type EnvRow, type PortRow, type VolumeRow } from './model'
import { isIp, overlap } from './host-ip'
import { splitWords } from './words'

export type CheckCode =
  | 'name' | 'nameTaken' | 'noServer' | 'hostname' | 'hostPort' | 'containerPort' | 'portTwice' | 'portTaken' | 'portsWithoutNetwork' | 'hostIp' | 'env' | 'envTwice' | 'envRequired'
  | 'volumeSource' | 'volumeTarget' | 'volumeTwice' | 'retries' | 'restartAndRemove' | 'quote' | 'workingDir' | 'memory' | 'cpus' | 'label'

export type Section = 'basics' | 'ports' | 'environment' | 'volumes' | 'advanced'

/** Something wrong: where, at which row and field of it, and why. */
export interface Check {
  section: Section
  row: number
  /** The field of the row; nothing outside of rows. */
  field: string
  code: CheckCode
  what: string
  /** The servers on which it is so, when it is their doing. */
  where: string
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const HOSTNAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62})(?:\.[a-zA-Z0-9][a-zA-Z0-9-]{0,62})*$/
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const SMALLEST_MEMORY = 6 * 1024 ** 2

type Found = Pick<Check, 'code'> & Partial<Check>
const check = (section: Section, found: Found): Check => ({ section, row: -1, field: '', what: '', where: '', ...found })
const namesOf = (containers: Container[]) => [...new Set(containers.map((container) => container.serverName))].join(', ')

/** Where it is to be created has to be said. */
export function checkTargets(serverIds: number[]): Check[] {
  return serverIds.length ? [] : [check('basics', { code: 'noServer' })]
}

/** Everything that can be known wrong before the engines are asked. `others` are the containers of the servers it is for. */
export function checkContainer(form: ContainerForm, others: Container[]): Check[] {
  return [...basics(form, others), ...ports(form, others), ...environment(form), ...volumes(form), ...advanced(form)]
}

function basics(form: ContainerForm, others: Container[]): Check[] {
  const found: Check[] = []
  const add = (code: CheckCode, what = '') => found.push(check('basics', { code, what }))
  const name = form.name.trim()
  if (!NAME.test(name) || name.length < 2) add('name', name)
  const namesakes = others.filter((other) => other.name === name)
  if (namesakes.length) found.push(check('basics', { code: 'nameTaken', what: name, where: namesOf(namesakes) }))
  if (form.hostname.trim() && !HOSTNAME.test(form.hostname.trim())) add('hostname', form.hostname)
  if (form.restart === 'on-failure' && form.retries.trim() && !/^\d{1,6}$/.test(form.retries.trim())) add('retries', form.retries)
  if (form.autoRemove && form.restart !== 'no') add('restartAndRemove')
  return found
}

function ports(form: ContainerForm, others: Container[]): Check[] {
  const found: Check[] = []
  const running = others.filter((other) => other.state === 'running')
  const holders = (host: string, protocol: string) => running.filter((other) => other.ports.some((port) => String(port.host) === host && port.protocol === protocol))
  const published = form.ports.filter((port) => port.container.trim() || port.host.trim())
  if (published.length > 0 && (form.network === 'host' || form.network === 'none')) found.push(check('ports', { code: 'portsWithoutNetwork', what: form.network }))
  form.ports.forEach((port, row) => {
    const [container, host] = [port.container.trim(), port.host.trim()]
    if (!container && !host) return
    const add = (field: keyof PortRow, code: CheckCode, what: string, where = '') => found.push(check('ports', { row, field, code, what, where }))
    if (port.hostIp.trim() && !isIp(port.hostIp.trim())) add('hostIp', 'hostIp', port.hostIp)
    if (host && !isPort(host)) add('host', 'hostPort', host)
    if (!isPort(container)) add('container', 'containerPort', container)
    if (!host || !isPort(host)) return
    const twice = form.ports.slice(0, row).some((other) => other.host.trim() === host && other.protocol === port.protocol && overlap(other.hostIp.trim(), port.hostIp.trim()))
    if (twice) add('host', 'portTwice', host)
    const taken = holders(host, port.protocol)
    if (taken.length) add('host', 'portTaken', host, namesOf(taken))
  })
  return found
}

function environment(form: ContainerForm): Check[] {
  const found: Check[] = []
  const seen = new Set<string>()
  form.env.forEach((variable, row) => {
    const name = variable.name.trim()
    const add = (field: keyof EnvRow, code: CheckCode) => found.push(check('environment', { row, field, code, what: name }))
    if (!name && !variable.value) return
    if (!name || /[=\s\0]/.test(name)) add('name', 'env')
    else if (seen.has(name)) add('name', 'envTwice')
    seen.add(name)
    if (isMissing(variable, form.env)) add('value', 'envRequired')
  })
  return found
}

function volumes(form: ContainerForm): Check[] {
  const found: Check[] = []
  const seen = new Set<string>()
  form.volumes.forEach((volume, row) => {
    const [source, target] = [volume.source.trim(), volume.target.trim()]
    if (!source && !target) return
    const add = (field: keyof VolumeRow, code: CheckCode, what: string) => found.push(check('volumes', { row, field, code, what }))
    // docker separates source, target and options by colons.
    if (source.startsWith('/') ? source.includes(':') : !VOLUME_NAME.test(source)) add('source', 'volumeSource', source)
    if (!target.startsWith('/') || target === '/' || target.includes(':')) add('target', 'volumeTarget', target)
    else if (seen.has(target)) add('target', 'volumeTwice', target)
    seen.add(target)
  })
  return found
}

function advanced(form: ContainerForm): Check[] {
  const found: Check[] = []
  const add = (code: CheckCode, what = '') => found.push(check('advanced', { code, what }))
  if (splitWords(form.command) === null) add('quote', form.command)
  if (splitWords(form.entrypoint) === null) add('quote', form.entrypoint)
  if (form.workingDir.trim() && !form.workingDir.trim().startsWith('/')) add('workingDir', form.workingDir)
  if (form.memory.trim() && (readMemory(form.memory) ?? 0) < SMALLEST_MEMORY) add('memory', form.memory)
  if (form.cpus.trim() && readCpus(form.cpus) === null) add('cpus', form.cpus)
  form.labels.forEach((label, row) => {
    if (!label.name.trim() && label.value) found.push(check('advanced', { row, field: 'name', code: 'label' }))
  })
  return found
}
