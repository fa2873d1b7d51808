import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCount, readPhrase } from './phrases'

describe('phrases', () => {
  it.each([
    ['Pull 127.0.0.1:5000/ns/app:1.2 to 3 servers', 'pull', { what: '127.0.0.1:5000/ns/app:1.2', where: '3 servers' }],
    ['Copy nginx:1.27 from rack to rack to edge 2', 'copy', { what: 'nginx:1.27', from: 'rack', where: 'rack to edge 2' }],
    ['Export 12 images of docker-01', 'exportServer', { count: '12', where: 'docker-01' }],
    ['Export nginx:1.27 from docker-01', 'export', { what: 'nginx:1.27', where: 'docker-01' }],
    ['Import my images.tar to docker-01', 'import', { what: 'my images.tar', where: 'docker-01' }],
    ['The server holds it already', 'heldAlready', {}],
    ['Waits for: Pull nginx:1.27 to docker-01', 'waitsFor', { phrase: 'Pull nginx:1.27 to docker-01' }],
    ['12 images: 1 new, 2 changed, 3 gone', 'synced', { count: '12', added: '1', changed: '2', gone: '3' }],
  ])('reads “%s”', (sentence, key, values) => {
    expect(readPhrase(sentence)).toEqual({ key, values })
  })

  it('leave alone what they do not know', () => {
    expect(readPhrase('manifest for nginx:9 not found')).toBeNull()
    expect(readCount('3 servers')).toBe(3)
    expect(readCount('docker-3 servers')).toBeNull()
  })

  it('know every title and message that the program writes', () => {
    const kinds = join(import.meta.dirname, '../../../../crates/operations/src/kinds')
    const rust = readdirSync(kinds, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.rs'))
      .map((file) => readFileSync(join(kinds, file), 'utf8'))
      .join('\n')
    // What stands where titles and messages are made; sentences that end with a full stop are errors.
    const places = /(?:title(?::| =)|=>|say\((?:context, \d+, &?)?|bytes\(\s*&?|message(?::| =)(?: if [^{]+\{)?| else \{|done\(\s*&payload,[^"]*)\s*(?:format!\(\s*)?"([A-Z][^"]*)"/g
    const written = [...rust.matchAll(places)].map((match) => match[1] as string).filter((text) => !text.endsWith('.'))
    // A number where the sentence counts, a name elsewhere.
    const examples = written.map((text) => text.replaceAll(/\{[^}]*\}(?= (?:servers|images|references|new|changed|gone|of \{))|(?<=of )\{all\}/g, '3').replaceAll(/\{[^}]*\}/g, 'some:thing'))
    expect(examples.length).toBeGreaterThan(20)
    expect(examples.filter((sentence) => readPhrase(sentence) === null)).toEqual([])
  })

  it('have words for every form', () => {
    const forms = [...readFileSync(join(import.meta.dirname, 'phrases.ts'), 'utf8').matchAll(/\/, '(\w+)'\],/g)].map((match) => match[1] as string)
    const { phrases } = JSON.parse(readFileSync(join(import.meta.dirname, '../../locales/en.json'), 'utf8')) as { phrases: Record<string, string> }
    expect(forms.length).toBeGreaterThan(30)
    expect(forms.filter((key) => !(key in phrases))).toEqual([])
  })
})
