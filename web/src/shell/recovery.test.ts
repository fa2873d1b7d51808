import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { notices } from '@/ui/notices'
import { forgetWanted, recover } from './recovery'

const assign = vi.fn()
let there = true

beforeEach(() => {
  vi.useFakeTimers()
  setActivePinia(createPinia())
  sessionStorage.clear()
  notices.value = []
  assign.mockReset()
  vi.stubGlobal('location', { pathname: '/images', search: '', hash: '', assign, reload: () => assign('itself') })
  vi.stubGlobal('fetch', async () => {
    if (!there) throw new TypeError('failed')
    return { ok: true }
  })
})
afterEach(() => {
  forgetWanted()
  document.body.innerHTML = ''
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const wanted = (over = {}) => ({ address: '/servers?tag=a', again: vi.fn(), leaves: true, ...over })
const told = () => notices.value.map(({ text, action }) => `${text} [${action?.text}]`)

describe('a program that was replaced', () => {
  beforeEach(() => void (there = true))

  it('costs one reload to the wanted address, and never a second by itself', async () => {
    await recover(wanted())
    expect(assign.mock.calls).toEqual([['/servers?tag=a']])
    await recover(wanted())
    expect(assign).toHaveBeenCalledTimes(1)
    expect(told()).toEqual(['A part of the page cannot be loaded, though imagefleet answers. [Reload]'])
  })

  it('asks before it takes away what is typed', async () => {
    document.body.innerHTML = '<div class="el-overlay"></div>'
    await recover(wanted())
    expect(assign).not.toHaveBeenCalled()
    expect(told()).toEqual(['imagefleet has been updated: reload the page to open this. [Reload]'])
    notices.value[0]?.action?.run()
    expect(assign).toHaveBeenCalledWith('/servers?tag=a')
  })
})

describe('a program that is away', () => {
  beforeEach(() => void (there = false))

  it('is told, and what was wanted is opened when it is back', async () => {
    const one = wanted()
    await recover(one)
    expect(told()).toEqual(['imagefleet does not answer, so this cannot be opened. [Try again]'])
    await vi.advanceTimersByTimeAsync(4_000)
    expect(one.again).not.toHaveBeenCalled()
    there = true
    await vi.advanceTimersByTimeAsync(4_000)
    expect(one.again).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(one.again).toHaveBeenCalledTimes(1)
  })

  it('does not take anybody away who types meanwhile', async () => {
    const one = wanted()
    await recover(one)
    await vi.advanceTimersByTimeAsync(100)
    document.dispatchEvent(new Event('input'))
    there = true
    await vi.advanceTimersByTimeAsync(4_000)
    expect(one.again).not.toHaveBeenCalled()
    expect(told()).toEqual(['imagefleet answers again. [Open]'])
  })

  it('is forgotten when something else was opened', async () => {
    const one = wanted()
    await recover(one)
    forgetWanted()
    there = true
    await vi.advanceTimersByTimeAsync(8_000)
    expect(one.again).not.toHaveBeenCalled()
    expect(told()).toEqual([])
  })
})
