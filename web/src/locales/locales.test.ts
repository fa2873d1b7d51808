import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Tree = { [key: string]: string | Tree }

// Read as text: the import would give compiled messages.
const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Tree

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') flat.set(prefix + key, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text)
  }
  return flat
}

const en = flatten(read('en.json'))
const zh = flatten(read('zh-CN.json'))

const src = join(import.meta.dirname, '..')
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(?:vue|ts)$/.test(file) && !/\.(?:test|d)\.ts$/.test(file))
  .map((file) => readFileSync(join(src, file), 'utf8'))
const code = sources.join('\n')

const used = new Set([...code.matchAll(/\b(?:\$?t)\(\s*'([\w.-]+)'/g)].map((match) => match[1] as string))
/** Keys made at run time: the part before the variable. */
const families = new Set([...code.matchAll(/`([a-z]\w*(?:\.\w+)*\.)\$\{/g)].map((match) => match[1] as string))
const concatenated = new Set([...code.matchAll(/\bt\(\s*'([\w.-]+\.)'\s*\+/g)].map((match) => match[1] as string))
const quoted = new Set([...code.matchAll(/'((?:[a-z]\w*\.)+[\w-]+)'/g)].map((match) => match[1] as string))

const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort()

describe('locales', () => {
  it('have the same keys', () => {
    expect([...zh.keys()].sort()).toEqual([...en.keys()].sort())
  })

  it('leave nothing empty', () => {
    for (const messages of [en, zh]) expect([...messages].filter(([, text]) => !text.trim())).toEqual([])
  })

  it('hold no bare @, which would be a link to another message', () => {
    for (const messages of [en, zh]) expect([...messages].filter(([, text]) => text.replaceAll("{'@'}", '').includes('@'))).toEqual([])
  })

  it('fill in the same values', () => {
    const different = [...en].filter(([key, text]) => placeholders(text).join() !== placeholders(zh.get(key) ?? '').join())
    expect(different.map(([key]) => key)).toEqual([])
  })

  it('are really Chinese', () => {
    const plain = [...zh].filter(([key, text]) => /[a-z]{4,}/i.test(text) && !/[\u4e00-\u9fff]/.test(text) && text === en.get(key))
    expect(plain).toEqual([])
  })

  it('hold every key that the code names', () => {
    expect(used.size).toBeGreaterThan(100)
    const missing = [...used].filter((key) => !key.endsWith('.') && !en.has(key))
    expect(missing).toEqual([])
  })

  it('hold keys for every family that the code makes names of', () => {
    const missing = [...families, ...concatenated].filter((prefix) => ![...en.keys()].some((key) => key.startsWith(prefix)))
    expect(missing).toEqual([])
  })

  it('hold no key that nothing uses', () => {
    const prefixes = [...families, ...concatenated]
    const unused = [...en.keys()].filter((key) => !used.has(key) && !quoted.has(key) && !prefixes.some((prefix) => key.startsWith(prefix)))
    expect(unused).toEqual([])
  })

  it('have words for every code and every hint of the program', () => {
    const rust = readFileSync(join(import.meta.dirname, '../../../crates/model/src/failure.rs'), 'utf8')
    const codes = [...rust.matchAll(/= "(\w+)", \d+(?:, "([^"]*)")?;/g)].map((match) => ({ code: match[1] as string, hint: match[2] }))
    expect(codes.length).toBeGreaterThan(50)
    expect(codes.filter(({ code }) => !zh.has(`errors.${code}`)).map(({ code }) => code)).toEqual([])
    expect(codes.filter(({ hint, code }) => hint && en.get(`hints.${code}`) !== hint).map(({ code }) => code)).toEqual([])
  })
})
