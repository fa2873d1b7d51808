import { describe, expect, it } from 'vitest'
import { isNarrowed, NO_FILTERS, readFilters, toApiQuery, writeFilters } from './filters'

describe('filters in the URL', () => {
  it('survive writing and reading', () => {
    const filters = { ...NO_FILTERS, q: 'redis:7 <b>', serverId: 3, status: 'error' as const, unused: true, sort: '-size', page: 4, size: 100 }
    expect(readFilters(writeFilters(filters) as Record<string, string>)).toEqual(filters)
  })

  it('leave defaults out', () => {
    expect(writeFilters(NO_FILTERS)).toEqual({})
  })

  it('take what is malformed as not given', () => {
    expect(readFilters({ page: '-1', size: '100000', status: 'nonsense', serverId: 'x', sort: 'password' })).toEqual({ ...NO_FILTERS, size: 200 })
  })

  it('take the first of a repeated one', () => {
    expect(readFilters({ q: ['a', 'b'] }).q).toBe('a')
  })

  it('send nothing to the API for what is not set', () => {
    expect(Object.entries(toApiQuery(NO_FILTERS)).filter(([, value]) => value !== undefined)).toEqual([['page', 1], ['size', 50]])
  })

  it('count as narrowed without regard to page and sort', () => {
    expect(isNarrowed({ ...NO_FILTERS, page: 3, sort: 'size' })).toBe(false)
    expect(isNarrowed({ ...NO_FILTERS, unused: true })).toBe(true)
  })
})
