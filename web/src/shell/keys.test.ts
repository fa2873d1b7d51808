import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'
import { isTyping, useShellKeys } from './keys'

vi.mock('vue-router', () => ({ useRouter: () => ({ push: vi.fn() }) }))
beforeEach(() => void setActivePinia(createPinia()))

function element(html: string): Element | null {
  document.body.innerHTML = html
  return document.body.firstElementChild
}

it.each(['<input>', '<input type="search">', '<input type="number">', '<input type="password">', '<textarea></textarea>', '<select></select>'])('%s is written into', (html) => {
  expect(isTyping(element(html))).toBe(true)
})

it.each(['<input type="checkbox">', '<input type="radio">', '<input type="file">', '<button></button>', '<a href="/">x</a>'])('%s leaves the keys to the page', (html) => {
  expect(isTyping(element(html))).toBe(false)
})

it.each([
  ['<input type="checkbox">', 'ArrowDown', true],
  ['<input type="radio">', 'j', true],
  ['<input type="radio">', 'ArrowDown', false],
  ['<input>', 'j', false],
])('from %s the key %s leads to the rows: %s', (html, key, leads) => {
  const page = mount({ setup: () => useShellKeys(() => undefined), template: '<i />' })
  document.body.innerHTML = `<main>${html}<p data-row tabindex="0"></p></main>`
  document.querySelector('input')?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
  expect(document.activeElement?.hasAttribute('data-row')).toBe(leads)
  page.unmount()
})
