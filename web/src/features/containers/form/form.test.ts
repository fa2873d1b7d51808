import { describe, expect, it } from 'vitest'
import type { Container, ContainerForm as FilledForm } from '@/api/types'
import { checkContainer, checkTargets } from './checks'
import { emptyContainer, emptyVariable, fromFilled, readCpus, readMemory, toContainerInput, type ContainerForm } from './model'
import { composeFile, dockerRun } from './snippets'
import { shellQuote, splitWords } from './words'

const form = (over: Partial<ContainerForm> = {}): ContainerForm => ({ ...emptyContainer(), name: 'web', ...over })
const port = (host: string, container: string, protocol: 'tcp' | 'udp' = 'tcp', hostIp = '') => ({ host, container, protocol, hostIp })
const variable = (name: string, value: string, over = {}) => ({ ...emptyVariable(), name, value, ...over })
const codes = (over: Partial<ContainerForm>, others: Container[] = []) => checkContainer(form(over), others).map((check) => check.code)

describe('splitWords', () => {
  it.each([
    ['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
    ["sh -c 'echo $HOME; rm -rf x'", ['sh', '-c', 'echo $HOME; rm -rf x']],
    ['a\\ b ""', ['a b', '']],
    ['  ', []],
    ["it's", null],
  ])('%s', (text, words) => {
    expect(splitWords(text)).toEqual(words)
  })

  it('undoes shellQuote', () => {
    for (const word of ["it's", '', '$(reboot)', 'a b', '`x`', '"', '\\', 'plain', 'x\ny']) expect(splitWords(shellQuote(word))).toEqual([word])
  })
})

describe('sizes', () => {
  it('read as docker reads them', () => {
    expect(readMemory('512m')).toBe(536_870_912)
    expect(readMemory('1.5g')).toBe(1_610_612_736)
    expect(readMemory('64MB')).toBe(67_108_864)
    expect(readMemory('much')).toBeNull()
    expect(readCpus('0.5')).toBe(500_000_000)
    expect(readCpus('0')).toBeNull()
    expect(readCpus('-1')).toBeNull()
  })
})

describe('checks', () => {
  it('find nothing wrong with a sound form', () => {
    expect(codes({ ports: [port('8080', '80'), port('', '53', 'udp')], env: [variable('A', 'b=c\nd')], volumes: [{ source: 'data', target: '/data', readOnly: true }] })).toEqual([])
  })

  it.each([
    [{ name: '-x' }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'a;reboot' }, 'name'],
    [{ ports: [port('0', '80')] }, 'hostPort'],
    [{ ports: [port('65536', '80')] }, 'hostPort'],
    [{ ports: [port('8000-8010', '80')] }, 'hostPort'],
    [{ ports: [port('80', '')] }, 'containerPort'],
    [{ ports: [port('80', '80'), port('80', '81')] }, 'portTwice'],
    [{ ports: [port('80', '80')], network: 'host' }, 'portsWithoutNetwork'],
    [{ ports: [port('80', '80', 'tcp', 'nonsense')] }, 'hostIp'],
    [{ ports: [port('80', '80', 'tcp', '999.1.1.1')] }, 'hostIp'],
    [{ ports: [port('80', '80', 'tcp', '1::2::3')] }, 'hostIp'],
    [{ ports: [port('80', '80', 'tcp', '0.0.0.0'), port('80', '81', 'tcp', '127.0.0.1')] }, 'portTwice'],
    [{ ports: [port('80', '80', 'tcp', '127.0.0.1'), port('80', '81')] }, 'portTwice'],
    [{ ports: [port('80', '80', 'tcp', '::'), port('80', '81', 'tcp', '[::1]')] }, 'portTwice'],
    [{ env: [variable('A=B', 'c')] }, 'env'],
    [{ env: [variable('', 'c')] }, 'env'],
    [{ env: [variable('A', '1'), variable('A', '2')] }, 'envTwice'],
    [{ env: [variable('P', '', { required: true })] }, 'envRequired'],
    [{ volumes: [{ source: './x', target: '/y', readOnly: false }] }, 'volumeSource'],
    [{ volumes: [{ source: '/a:b', target: '/y', readOnly: false }] }, 'volumeSource'],
    [{ volumes: [{ source: '/x', target: 'y', readOnly: false }] }, 'volumeTarget'],
    [{ volumes: [{ source: '/x', target: '', readOnly: false }] }, 'volumeTarget'],
    [{ volumes: [{ source: '/a', target: '/y', readOnly: false }, { source: '/b', target: '/y', readOnly: false }] }, 'volumeTwice'],
    [{ command: 'sh -c "x' }, 'quote'],
    [{ workingDir: 'app' }, 'workingDir'],
    [{ memory: '1m' }, 'memory'],
    [{ cpus: 'two' }, 'cpus'],
    [{ autoRemove: true, restart: 'always' }, 'restartAndRemove'],
  ] as [Partial<ContainerForm>, string][])('%o: %s', (over, code) => {
    expect(codes(over)).toEqual([code])
  })

  it('let one port stand on two addresses', () => {
    expect(codes({ ports: [port('80', '80', 'tcp', '127.0.0.1'), port('80', '80', 'tcp', '127.0.0.2'), port('80', '80', 'tcp', '::')] })).toEqual([])
  })

  it('know what the server has', () => {
    const other = { name: 'web', state: 'running', ports: [{ host: 8080, container: 80, protocol: 'tcp' }] } as Container
    expect(codes({ ports: [port('8080', '80')] }, [other])).toEqual(['nameTaken', 'portTaken'])
    expect(codes({ name: 'b2', ports: [port('8080', '80', 'udp')] }, [other])).toEqual([])
  })

  it('say on which of the chosen servers a name or a port is taken', () => {
    const on = (serverName: string, name: string) => ({ name, serverName, state: 'running', ports: [{ host: 8080, container: 80, protocol: 'tcp' }] }) as Container
    const found = checkContainer(form({ ports: [port('8080', '80')] }), [on('rack', 'web'), on('edge', 'other'), on('hall', 'web')])
    expect(found.map(({ code, where }) => [code, where])).toEqual([['nameTaken', 'rack, hall'], ['portTaken', 'rack, edge, hall']])
  })

  it('name the field of a row that is wrong', () => {
    const found = checkContainer(form({ ports: [port('99999', '')], env: [variable('P', '', { required: true })], labels: [{ name: '', value: 'x' }] }), [])
    expect(found.map(({ row, field, code }) => [row, field, code])).toEqual([[0, 'host', 'hostPort'], [0, 'container', 'containerPort'], [0, 'value', 'envRequired'], [0, 'name', 'label']])
  })

  it('want at least one server', () => {
    expect(checkTargets([]).map((check) => check.code)).toEqual(['noServer'])
    expect(checkTargets([3])).toEqual([])
  })
})

describe('a form that the server filled', () => {
  const password = { name: 'MYSQL_ROOT_PASSWORD', value: '', required: true, secret: true, unless: ['MYSQL_ALLOW_EMPTY_PASSWORD'], description: 'Root', descriptionZh: '根', from: 'software' as const }
  const filled = {
    spec: { name: 'mysql', ports: [{ host: 3306, container: 3306, protocol: 'tcp' }, { container: 33060 }], env: { TZ: 'UTC' }, volumes: [{ source: 'mysql-data', target: '/var/lib/mysql' }], restartPolicy: { name: 'unless-stopped' }, networkMode: 'bridge', command: ['--flag', 'with space'], labels: {} },
    env: [password, { ...password, name: 'MYSQL_ALLOW_EMPTY_PASSWORD', required: false, secret: false, unless: [] }],
  } as unknown as FilledForm

  it('is shown and sent back as it is', () => {
    const shown = { ...fromFilled(filled, true) }
    expect(shown.ports).toEqual([port('3306', '3306'), port('', '33060')])
    expect(shown.env[0]?.description).toBe('根')
    shown.env[0]!.value = 'x'
    expect(toContainerInput(shown)).toMatchObject({
      name: 'mysql', env: { MYSQL_ROOT_PASSWORD: 'x', TZ: 'UTC' }, command: ['--flag', 'with space'], restartPolicy: { name: 'unless-stopped' }, volumes: [{ source: 'mysql-data', target: '/var/lib/mysql', readOnly: false }],
    })
    expect(toContainerInput(shown).env).not.toHaveProperty('MYSQL_ALLOW_EMPTY_PASSWORD')
  })

  it('never drops a required variable that is empty, unless another stands for it', () => {
    const shown = fromFilled(filled, false)
    expect(toContainerInput(shown).env).toEqual({ MYSQL_ROOT_PASSWORD: '', TZ: 'UTC' })
    expect(checkContainer(shown, []).map((check) => check.code)).toEqual(['envRequired'])
    shown.env[1]!.value = 'yes'
    expect(checkContainer(shown, [])).toEqual([])
    expect(toContainerInput(shown).env).toEqual({ MYSQL_ALLOW_EMPTY_PASSWORD: 'yes', TZ: 'UTC' })
  })

  it('leaves out what the catalogue offers and nobody filled in, but keeps what a person left empty', () => {
    const env = [variable('OFFERED', '', { offered: true }), variable('OWN', '')]
    expect(toContainerInput(form({ env })).env).toEqual({ OWN: '' })
  })
})

describe('snippets', () => {
  const input = toContainerInput(
    form({
      hostname: 'h', ports: [port('8080', '80'), port('', '53', 'udp'), port('443', '443', 'tcp', '127.0.0.1')], env: [variable('GREETING', "it's $HOME")],
      volumes: [{ source: 'data', target: '/d', readOnly: true }], restart: 'on-failure', retries: '3', network: 'own', command: 'serve "a b"',
      entrypoint: '/entry -v', memory: '512m', cpus: '1.5', privileged: true, labels: [{ name: 'k', value: 'v' }],
    }),
  )

  it('write the docker command', () => {
    expect(dockerRun('nginx:1', input).split(' \\\n  ')).toEqual([
      'docker run --detach', '--name web', '--hostname h', '--publish 8080:80/tcp', '--publish 53/udp', '--publish 127.0.0.1:443:443/tcp',
      `--env 'GREETING=it'\\''s $HOME'`, '--volume data:/d:ro', '--restart on-failure:3', '--network own', '--label k=v', '--memory 536870912',
      '--cpus 1.5', '--privileged', '--entrypoint /entry', `nginx:1 -v serve 'a b'`,
    ])
  })

  it('write a Compose file in which a dollar stays a dollar', () => {
    const file = composeFile('nginx:1', input)
    expect(file).toContain('"GREETING": "it\'s $$HOME"')
    expect(file).toContain('      - "data:/d:ro"')
    expect(file).toContain('restart: "on-failure:3"')
    expect(file).toContain('volumes:\n  "data": {}')
    expect(file).toContain('networks:\n  "own":\n    external: true')
  })

  it('say nothing of a port that is none', () => {
    const unreadable = toContainerInput(form({ ports: [port('99999', 'http'), port('x', '80'), port('8080', ' 80 ')] }))
    expect(dockerRun('a', unreadable)).not.toMatch(/NaN|99999/)
    expect(unreadable.ports).toEqual([{ host: 8080, container: 80, protocol: 'tcp', hostIp: null }])
  })

  it('create without starting when asked', () => {
    expect(dockerRun('a', { ...input, start: false })).toMatch(/^docker create /)
  })
})
