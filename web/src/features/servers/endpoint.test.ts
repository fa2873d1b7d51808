import { describe, expect, it } from 'vitest'
import type { Server } from '@/api/types'
import { emptyForm, formFaults, isExposed, readEndpoint, toInput, writeEndpoint, type ServerForm } from './endpoint'

const form = (over: Partial<ServerForm>): ServerForm => ({ ...emptyForm(), name: 'a', ...over })

describe('endpoints', () => {
  it.each(['unix:///var/run/docker.sock', 'tcp://10.0.0.1:2375', 'tcps://engine.example.com:2376', 'tcp://[::1]:2375', 'ssh://root@h', 'ssh://me@h:2222'])(
    'keep %s as it is',
    (endpoint) => {
      expect(writeEndpoint(form(readEndpoint(endpoint)))).toBe(endpoint)
    },
  )

  it('brackets an IPv6 address and fills the usual port', () => {
    expect(writeEndpoint(form({ way: 'tcps', host: '::1' }))).toBe('tcps://[::1]:2376')
  })
})

describe('formFaults', () => {
  it.each([
    [{ name: ' ' }, 'name'],
    [{ way: 'unix', path: 'docker.sock' }, 'path'],
    [{ way: 'tcp', host: '' }, 'host'],
    [{ way: 'tcp', host: 'a/b' }, 'host'],
    [{ way: 'tcp', host: 'a', port: '65536' }, 'port'],
    [{ way: 'tcp', host: 'a', port: '0' }, 'port'],
    [{ way: 'tcps', host: 'a' }, 'tls'],
    [{ way: 'tcps', host: 'a', ca: 'x', cert: 'y' }, 'tls'],
    [{ way: 'ssh', host: 'a', user: '' }, 'user'],
    [{ way: 'ssh', host: 'a' }, 'ssh'],
    [{ way: 'ssh', host: 'a', privateKey: 'k', jump: 'gateway' }, 'jump'],
  ] as [Partial<ServerForm>, string][])('%o lacks %s', (over, fault) => {
    expect(formFaults(form(over), false)).toContain(fault)
  })

  it('are all found at once', () => {
    expect(formFaults(form({ name: '', way: 'ssh', user: '', port: 'x', stepLimit: '0' }), false)).toEqual(['name', 'user', 'host', 'port', 'ssh', 'limit'])
  })

  it('asks for no secret that is stored', () => {
    expect(formFaults(form({ way: 'ssh', host: 'a' }), true)).toEqual([])
    expect(formFaults(form({ way: 'tcps', host: 'a' }), true)).toEqual([])
  })
})

it('warns of plain TCP to anything but this machine', () => {
  expect(isExposed(form({ way: 'tcp', host: '10.0.0.5' }))).toBe(true)
  expect(isExposed(form({ way: 'tcp', host: '127.0.0.1' }))).toBe(false)
  expect(isExposed(form({ way: 'tcps', host: '10.0.0.5' }))).toBe(false)
})

it('says of a machine in between only what changed', () => {
  const before = { ssh: { hostKey: 'SHA256:a', jump: { endpoint: 'ssh://me@gate', hostKey: null } } } as Server
  const same = form({ way: 'ssh', host: 'a', hostKey: 'SHA256:a', jump: 'ssh://me@gate' })
  expect(toInput(same, before)).not.toHaveProperty('ssh')
  expect(toInput({ ...same, jump: '', hostKey: '' }, before).ssh).toMatchObject({ jump: null, hostKey: null })
  expect(toInput({ ...same, jumpKey: 'K' }, before).ssh?.jump).toMatchObject({ privateKey: 'K', endpoint: undefined })
})

it('sends no empty secret, so that stored ones stay', () => {
  expect(toInput(form({ way: 'ssh', host: 'a' }))).not.toHaveProperty('ssh')
  expect(toInput(form({ way: 'tcps', host: 'a', ca: 'C' })).tls).toEqual({ ca: 'C', cert: undefined, key: undefined })
})

it('a server’s queue: a limit and off-peak hours, taken away again when they are emptied', () => {
  const hours = form({ way: 'tcp', host: 'a', stepLimit: '3', offPeak: true, offPeakFrom: '22:00', offPeakUntil: '06:00', offPeakZone: 'Asia/Shanghai', offPeakBulk: true })
  expect(toInput(hours)).toMatchObject({ stepLimit: 3, offPeak: { from: '22:00', until: '06:00', timeZone: 'Asia/Shanghai', bulk: true } })
  expect(toInput({ ...hours, stepLimit: '', offPeak: false })).toMatchObject({ stepLimit: null, offPeak: null })
  expect(formFaults({ ...hours, stepLimit: '0' }, false)).toEqual(['limit'])
  expect(formFaults({ ...hours, offPeakUntil: '22:00' }, false)).toEqual(['offPeak'])
  expect(formFaults(hours, false)).toEqual([])
})
