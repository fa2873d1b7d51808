import { afterEach, expect, it, vi } from 'vitest'
import { CodeMissing, fetched } from './code'

const { happyDOM } = window as unknown as { happyDOM: { settings: { disableCSSFileLoading: boolean; handleDisabledFileLoadingAsSuccess: boolean } } }

/** Whether stylesheets can be had; none is really fetched. */
function styles(there: boolean): void {
  happyDOM.settings.disableCSSFileLoading = true
  happyDOM.settings.handleDisabledFileLoadingAsSuccess = there
}

afterEach(() => void (document.head.innerHTML = ''))

it('a stylesheet that failed is asked for again before the page that needs it is shown', async () => {
  styles(false)
  const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'http://localhost/assets/page.css' })
  document.head.append(link)
  const load = vi.fn(async () => 'the page')
  const page = fetched(load)
  await expect(page()).rejects.toBeInstanceOf(CodeMissing)
  expect(load).not.toHaveBeenCalled()

  styles(true)
  await expect(page()).resolves.toBe('the page')
  const links = [...document.querySelectorAll('link')]
  expect(links.map(({ href }) => href)).toEqual([link.href])
  expect(links[0] === link).toBe(false)

  await page()
  expect(document.querySelector('link') === links[0], 'what is there is left alone').toBe(true)
})
