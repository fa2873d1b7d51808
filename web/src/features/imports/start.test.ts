import { expect, it, vi } from 'vitest'
import type { Operation } from '@/api/types'
import { ApiError } from '@/api/problem'
import type { ImportFile } from './files'
import { startImports } from './start'

const file = (name: string) => ({ name, state: 'ready', error: null }) as ImportFile

it('starts what can be started, tells what was refused, and never starts one twice', async () => {
  const files = [file('shop.tar'), file('arm.tar'), file('web.tar.gz')]
  const refusal = new ApiError(409, 'platform_mismatch', '')
  let forced = false
  const call = vi.fn(async ({ name }: ImportFile) => {
    if (name === 'arm.tar' && !forced) throw refusal
    return { id: name } as Operation
  })
  const begun = vi.fn()

  await startImports(files, call, begun)
  expect(files.map(({ state, error }) => [state, error])).toEqual([['started', null], ['ready', refusal], ['started', null]])

  forced = true
  await startImports(files.filter(({ state }) => state === 'ready'), call, begun)
  expect(files.map(({ state, error }) => [state, error])).toEqual([['started', null], ['started', null], ['started', null]])
  expect(begun.mock.calls.map(([{ id }]) => id as string)).toEqual(['shop.tar', 'web.tar.gz', 'arm.tar'])
})
