import type { Page } from '@playwright/test'
import { expect, test } from './support'

/** Drops files on an element of the page, as somebody who misses the box does. */
async function drop(page: Page, where: string, ...names: string[]): Promise<void> {
  const dataTransfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer()
    for (const name of all) data.items.add(new File(['no archive'], name))
    return data
  }, names)
  await page.dispatchEvent(where, 'drop', { dataTransfer })
}

test('an archive dropped beside the box is taken; nothing else opens', async ({ inside }) => {
  await inside.goto('/containers')
  await expect(inside.getByRole('heading', { level: 1 })).toBeVisible()
  await drop(inside, 'main', 'notes.zip')
  await expect(inside.getByText('Not image archives: notes.zip')).toBeVisible()
  await expect(inside.getByTestId('import-wizard')).toBeHidden()
  await drop(inside, 'main', 'broken.tar')
  await expect(inside.getByTestId('import-wizard')).toBeVisible()
  await expect(inside).toHaveURL(/\/containers$/)
})

test('of several imports those that have begun are not begun again', async ({ inside, api }) => {
  const [server] = await api.online()
  test.skip(!server, 'no server answers')
  const image = { references: ['e2e/none:1'], platform: 'linux/amd64', size: 1, layers: [], servers: [] }
  await inside.route('**/api/v1/uploads/*/archive', (route) => route.fulfill({ json: { format: 'docker-archive', compression: 'none', images: [image], skipped: [], canRename: false } }))
  const asked: boolean[] = []
  await inside.route('**/api/v1/images/import', (route) => {
    const { force } = route.request().postDataJSON() as { force: boolean }
    asked.push(force)
    if (asked.length === 2) return route.fulfill({ status: 409, contentType: 'application/problem+json', json: { status: 409, code: 'platform_mismatch', detail: 'it is for another platform' } })
    return route.fulfill({ status: 202, json: { id: `e2e-${asked.length}`, kind: 'import_image', title: 'Import e2e', status: 'succeeded', progress: 100, steps: [] } })
  })
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-import').click()
  await inside.getByTestId(`pick-server-${server!.id}`).click()
  await inside.getByTestId('import-next').click()
  const file = (name: string) => ({ name, mimeType: 'application/x-tar', buffer: Buffer.from(name) })
  await inside.getByTestId('file-input').setInputFiles([file('shop.tar'), file('arm.tar')])
  await inside.getByTestId('import-next').click()
  await inside.getByTestId('import-submit').click()
  await expect(inside.getByTestId('import-begun')).toContainText('1 import has begun')
  await expect(inside.getByTestId('archive-contents').filter({ hasText: 'arm.tar' }).getByTestId('error-note')).toContainText('another platform')
  await inside.getByTestId('import-force').click()
  await inside.getByTestId('import-submit').click()
  await expect(inside.getByTestId('import-wizard')).toBeHidden()
  expect(asked).toEqual([false, false, true])
})

test('a filled-in form of a server is not thrown away by Escape', async ({ inside }) => {
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  await inside.getByTestId('server-name').fill('half typed')
  await inside.keyboard.press('Escape')
  await expect(inside.getByText('Discard what you have typed?')).toBeVisible()
  await inside.keyboard.press('Escape')
  await expect(inside.getByText('Discard what you have typed?')).toBeHidden()
  await expect(inside.getByTestId('server-name')).toHaveValue('half typed')
})
