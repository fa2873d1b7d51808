import { expect, it } from 'vitest'
import { isArchiveName, uploadId } from './uploads'

it.each([['a.tar', true], ['a.tar.gz', true], ['a.TGZ', true], ['a.tar.zst', true], ['a.zip', false], ['tar', false], ['a.tar.gz.part', false]])(
  '%s as an archive: %s',
  (name, is) => {
    expect(isArchiveName(name)).toBe(is)
  },
)

it('reads the id from absolute and relative addresses', () => {
  expect(uploadId('/api/v1/uploads/abc-1')).toBe('abc-1')
  expect(uploadId('http://h/api/v1/uploads/abc-1/')).toBe('abc-1')
})
