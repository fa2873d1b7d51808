import type { ContainerSpec } from '@/api/types'
import { shellQuote, yamlQuote } from './words'

function portText(port: ContainerSpec['ports'][number]): string {
  const ip = port.hostIp ? `${port.hostIp.includes(':') && !port.hostIp.startsWith('[') ? `[${port.hostIp}]` : port.hostIp}:` : ''
  const host = port.host ? `${port.host}:` : ip ? ':' : ''
  return `${ip}${host}${port.container}/${port.protocol}`
}

const restartText = (input: ContainerSpec) =>
  input.restartPolicy.maximumRetryCount ? `${input.restartPolicy.name}:${input.restartPolicy.maximumRetryCount}` : (input.restartPolicy.name ?? 'no')

const volumeText = (volume: ContainerSpec['volumes'][number]) => `${volume.source}:${volume.target}${volume.readOnly ? ':ro' : ''}`

/** The command line that does the same; every word quoted, so that nothing in it is the shell's. */
export function dockerRun(image: string, input: ContainerSpec): string {
  const options: string[][] = [['--name', input.name]]
  if (input.hostname) options.push(['--hostname', input.hostname])
  for (const port of input.ports) options.push(['--publish', portText(port)])
  for (const [name, value] of Object.entries(input.env)) options.push(['--env', `${name}=${value}`])
  for (const volume of input.volumes) options.push(['--volume', volumeText(volume)])
  if (restartText(input) !== 'no') options.push(['--restart', restartText(input)])
  if (input.networkMode !== 'bridge') options.push(['--network', input.networkMode])
  if (input.workingDir) options.push(['--workdir', input.workingDir])
  if (input.user) options.push(['--user', input.user])
  for (const [name, value] of Object.entries(input.labels ?? {})) options.push(['--label', `${name}=${value}`])
  if (input.memoryBytes) options.push(['--memory', String(input.memoryBytes)])
  if (input.nanoCpus) options.push(['--cpus', String(input.nanoCpus / 1e9)])
  if (input.privileged) options.push(['--privileged'])
  if (input.autoRemove) options.push(['--rm'])
  // docker takes one word as the entry point; what follows it stands before the command.
  const [entrypoint, ...entryArguments] = input.entrypoint ?? []
  if (entrypoint !== undefined) options.push(['--entrypoint', entrypoint])
  const head = input.start ? 'docker run --detach' : 'docker create'
  const tail = [image, ...entryArguments, ...input.command].map(shellQuote).join(' ')
  return [head, ...options.map((words) => words.map(shellQuote).join(' ')), tail].join(' \\\n  ')
}

// In a Compose file a dollar sign begins a variable unless it is doubled.
const composeText = (text: string) => yamlQuote(text.replaceAll('$', '$$$$'))

/** A Compose file with this one service. */
export function composeFile(image: string, input: ContainerSpec): string {
  const lines = ['services:', `  ${yamlQuote(input.name || 'app')}:`, `    image: ${composeText(image)}`, `    container_name: ${composeText(input.name)}`]
  const text = (key: string, value: string | undefined) => {
    if (value) lines.push(`    ${key}: ${composeText(value)}`)
  }
  const list = (key: string, values: string[]) => {
    if (values.length) lines.push(`    ${key}:`, ...values.map((value) => `      - ${composeText(value)}`))
  }
  const map = (key: string, values: Record<string, string>) => {
    const entries = Object.entries(values)
    if (entries.length) lines.push(`    ${key}:`, ...entries.map(([name, value]) => `      ${composeText(name)}: ${composeText(value)}`))
  }
  text('hostname', input.hostname ?? undefined)
  list('ports', input.ports.map(portText))
  map('environment', input.env)
  list('volumes', input.volumes.map(volumeText))
  if (restartText(input) !== 'no') text('restart', restartText(input))
  const ownNetwork = !['bridge', 'host', 'none'].includes(input.networkMode)
  if (ownNetwork) list('networks', [input.networkMode])
  else text('network_mode', input.networkMode)
  list('entrypoint', input.entrypoint ?? [])
  list('command', input.command)
  text('working_dir', input.workingDir ?? undefined)
  text('user', input.user ?? undefined)
  map('labels', input.labels ?? {})
  if (input.memoryBytes) lines.push(`    mem_limit: ${input.memoryBytes}`)
  if (input.nanoCpus) lines.push(`    cpus: ${input.nanoCpus / 1e9}`)
  if (input.privileged) lines.push('    privileged: true')
  const named = input.volumes.map((volume) => volume.source).filter((source) => !source.startsWith('/'))
  if (named.length) lines.push('volumes:', ...[...new Set(named)].map((name) => `  ${yamlQuote(name)}: {}`))
  if (ownNetwork) lines.push('networks:', `  ${yamlQuote(input.networkMode)}:`, '    external: true')
  return `${lines.join('\n')}\n`
}
