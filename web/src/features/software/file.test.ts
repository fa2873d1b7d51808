import { expect, it } from 'vitest'
import type { Software } from '@/api/types'
import { readCatalogue, writeCatalogue } from './file'

const entry = { id: 7, name: 'App', icon: '', category: '', description: '', repository: 'team/app', defaultTag: '1', builtin: false, form: {} } as unknown as Software

it('writes own entries only, and reads them back', () => {
  const read = readCatalogue(writeCatalogue([entry, { ...entry, name: 'MySQL', builtin: true }]))
  expect(read.map((software) => software.name)).toEqual(['App'])
  expect(read[0]).not.toHaveProperty('id')
})

it.each(['', 'null', '[]', '{"format":"other","software":[]}', '{"format":"imagefleet-software/1","software":[{"name":"x"}]}'])('refuses %s', (text) => {
  expect(() => readCatalogue(text)).toThrow()
})
