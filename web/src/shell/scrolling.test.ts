import { expect, it } from 'vitest'
import { turnsPage } from './scrolling'

const at = (query: Record<string, string>, path = '/images/list') => ({ path, query })

it.each([
  ['another page', at({ q: 'a', page: '2' }), at({ q: 'a' }), true],
  ['back to the first page', at({}), at({ page: '3' }), true],
  ['a filter that begins at page 1 again', at({ q: 'ab' }), at({ q: 'a', page: '3' }), false],
  ['a drawer', at({ page: '3', image: '7' }), at({ page: '3' }), false],
  ['another list', at({ page: '2' }, '/servers'), at({}), false],
])('%s', (_what, to, from, turns) => {
  expect(turnsPage(to, from)).toBe(turns)
})
