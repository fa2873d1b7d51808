import { describe, expect, it } from 'vitest'
import { referenceFault, splitReference, withDefaultTag } from './reference'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('splitReference', () => {
  it.each([
    ['nginx', '', 'nginx', '', ''],
    ['nginx:1.27', '', 'nginx', '1.27', ''],
    ['bitnami/redis:7', '', 'bitnami/redis', '7', ''],
    ['127.0.0.1:5000/ns/app:1.2', '127.0.0.1:5000', 'ns/app', '1.2', ''],
    ['host:5000/a', 'host:5000', 'a', '', ''],
    ['localhost/a:b', 'localhost', 'a', 'b', ''],
    [`ghcr.io/o/a:1@${DIGEST}`, 'ghcr.io', 'o/a', '1', DIGEST],
    ['[::1]:5000/a:1', '[::1]:5000', 'a', '1', ''],
  ])('%s', (text, registry, path, tag, digest) => {
    expect(splitReference(text)).toEqual({ registry, path, tag, digest })
  })
})

describe('referenceFault', () => {
  it.each(['nginx', 'a/b/c:1', 'h:5000/a__b/c-d:V1.0_x', `a@${DIGEST}`, 'localhost:1/x'])('accepts %s', (text) => {
    expect(referenceFault(text)).toBeNull()
  })

  it.each([
    ['', 'empty'],
    ['a b', 'space'],
    ['Nginx', 'path'],
    ['a'.repeat(256), 'length'],
    ['nginx:', 'tag'],
    ['nginx:-x', 'tag'],
    ['a//b', 'path'],
    ['-h.x/a', 'registry'],
    ['a@sha256:12', 'digest'],
    ['nginx@', 'digest'],
    ["x'; drop table images", 'space'],
    ['<b>', 'path'],
  ])('%s is wrong in its %s', (text, fault) => {
    expect(referenceFault(text)).toBe(fault)
  })
})

describe('withDefaultTag', () => {
  it('adds a tag only where there is none', () => {
    expect(withDefaultTag('host:5000/a')).toBe('host:5000/a:latest')
    expect(withDefaultTag('a:1', '2')).toBe('a:1')
    expect(withDefaultTag(`a@${DIGEST}`)).toBe(`a@${DIGEST}`)
    expect(withDefaultTag('a', '2')).toBe('a:2')
  })
})
