import { enableAutoUnmount, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Session } from '@/api/types'
import { useImageDialogs } from '@/features/images/dialogs'
import { useSession } from '@/features/session/store'
import { i18n } from '@/i18n'
import { notices } from '@/ui/notices'
import { usePageDrop } from './page-drop'

enableAutoUnmount(afterEach)

beforeEach(() => {
  setActivePinia(createPinia())
  notices.value = []
  document.body.innerHTML = ''
  mount({ setup: usePageDrop, render: () => null }, { global: { plugins: [i18n] } })
})

const mayImport = (may: boolean) => (useSession().session = { permissions: { 'image:import': may } } as unknown as Session)

/** Whether the browser was kept from opening what was dropped there. */
function drop(where: EventTarget, ...names: string[]): boolean {
  const event = new Event('drop', { bubbles: true, cancelable: true })
  Object.assign(event, { dataTransfer: { types: ['Files'], files: names.map((name) => new File([''], name)) } })
  return !where.dispatchEvent(event)
}

it('opens the import with an archive that was dropped anywhere', () => {
  mayImport(true)
  expect(drop(document.body, 'web.tar', 'notes.txt')).toBe(true)
  expect(useImageDialogs().importing?.files?.map(({ name }) => name)).toEqual(['web.tar', 'notes.txt'])
})

it('gives it to the import that is open, for the servers chosen there', () => {
  mayImport(true)
  useImageDialogs().importing = { serverIds: [3] }
  drop(document.body, 'web.tar')
  expect(useImageDialogs().importing).toMatchObject({ serverIds: [3], files: [{ name: 'web.tar' }] })
})

it.each([['who may not import', false, 'web.tar', ''], ['what is no archive', true, 'notes.txt', ''], ['a form that is open', true, 'web.tar', '<div class="el-overlay"><div class="el-overlay-dialog"></div></div>']])(
  'opens nothing for %s, and still never leaves the page',
  (_what, may, name, page) => {
    mayImport(may)
    document.body.innerHTML = page
    expect(drop(document.body, name)).toBe(true)
    expect(useImageDialogs().importing).toBeNull()
    expect(notices.value).toHaveLength(page ? 0 : 1)
  },
)

it('leaves alone what was taken already, and text', () => {
  mayImport(true)
  const box = document.body.appendChild(document.createElement('div'))
  box.addEventListener('drop', (event) => event.preventDefault())
  drop(box, 'web.tar')
  const text = Object.assign(new Event('drop', { bubbles: true, cancelable: true }), { dataTransfer: { types: ['text/plain'], files: [] } })
  expect(document.body.dispatchEvent(text)).toBe(true)
  expect(useImageDialogs().importing).toBeNull()
})
