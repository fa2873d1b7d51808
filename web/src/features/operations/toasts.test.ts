import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import type { Operation, OperationStatus } from '@/api/types'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import { getOperation, listOperations } from './api'
import ProgressToasts from './ProgressToasts.vue'
import { useOperations } from './store'

vi.mock('./api', () => ({ getOperation: vi.fn(), listOperations: vi.fn(), cancelOperation: vi.fn(), retryOperation: vi.fn() }))

function operation(id: string, status: OperationStatus): Operation {
  return { id, kind: 'pull_image', status, title: `Pull ${id}`, progress: 10, createdBy: 'admin', createdAt: '2026-01-01T00:00:00Z', steps: [] } as unknown as Operation
}

function begun(...all: Operation[]) {
  vi.mocked(getOperation).mockImplementation(async (id) => all.find((one) => one.id === id) as Operation)
  vi.mocked(listOperations).mockResolvedValue({ items: all, total: all.length, page: 1, size: 200 })
  const operations = useOperations()
  all.forEach(operations.follow)
  return operations
}

const page = (narrow = false) => {
  vi.spyOn(window, 'matchMedia').mockReturnValue({ matches: narrow, addEventListener: () => undefined, removeEventListener: () => undefined } as unknown as MediaQueryList)
  return mount(ProgressToasts, { global: { plugins: [i18n] } })
}

beforeEach(() => {
  locale.value = 'en'
  vi.restoreAllMocks()
  setActivePinia(createPinia())
})

describe('toasts', () => {
  it('are three at most; the others are counted by how they stand', () => {
    begun(operation('a', 'failed'), operation('b', 'running'), operation('c', 'failed'), operation('d', 'failed'), operation('e', 'failed'))
    const view = page()
    expect(view.findAll('article')).toHaveLength(3)
    expect(view.get('[data-testid="toasts-count"]').text()).toBe('2 more: 1 running · 1 failed')
  })

  it('are one line on a small screen', () => {
    begun(operation('a', 'failed'), operation('b', 'running'))
    const view = page(true)
    expect(view.findAll('article')).toHaveLength(0)
    expect(view.get('[data-testid="toasts-count"]').text()).toBe('1 running · 1 failed')
  })

  it('close all at once', async () => {
    begun(operation('a', 'failed'), operation('b', 'running'))
    const view = page()
    await view.get('[data-testid="toasts-close"]').trigger('click')
    expect(view.find('[data-testid="toasts"]').exists()).toBe(false)
  })

  it('do not come back when the page connects anew', async () => {
    const operations = begun(operation('a', 'running'))
    operations.hideToast('a')
    await operations.restore()
    expect(operations.toasts).toEqual([])
  })

  it('say on which of several servers it failed', () => {
    const step = (serverName: string, error: unknown) => ({ id: serverName, serverName, status: error ? 'failed' : 'succeeded', message: '', error })
    const steps = [step('docker-01', null), step('docker-02', { code: 'engine_timeout', message: 'No connection within 10 s.' })]
    begun({ ...operation('a', 'failed'), steps } as unknown as Operation)
    expect(page().get('article').text()).toContain('docker-02: No connection within 10 s.')
  })

  it('give way to the drawer that tells the same', async () => {
    const operations = begun(operation('a', 'running'))
    const view = page()
    operations.drawerOpen = true
    await nextTick()
    expect(view.find('[data-testid="toasts"]').exists()).toBe(false)
  })

  it('that failed are read in the drawer and gone after it; what runs stays', async () => {
    const operations = begun(operation('a', 'failed'), operation('b', 'running'))
    operations.drawerOpen = true
    await nextTick()
    operations.drawerOpen = false
    await nextTick()
    expect(operations.toasts).toEqual(['b'])
  })
})
