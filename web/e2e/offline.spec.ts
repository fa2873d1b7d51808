import type { Page } from '@playwright/test'
import { expect, test, type ServerSeen } from './support'

/** The page is told that these servers do not answer; they go on, so that everything else is real. */
async function sayAway(page: Page, ids: number[]): Promise<void> {
  await page.route(/\/api\/v1\/servers\?/, async (route) => {
    const real = await route.fetch()
    const body = (await real.json()) as { items: ServerSeen[] }
    await route.fulfill({ response: real, json: { ...body, items: body.items.map((server) => (ids.includes(server.id) ? { ...server, status: 'offline' } : server)) } })
  })
}

test('what is on servers that do not answer is told, and left out unless it is wanted', async ({ inside, api }) => {
  await api.sync()
  const images = (await api.images('status=AVAILABLE')).filter((image) => image.tag !== null)
  const [server] = (await api.online()).filter(({ id }) => images.some((image) => image.serverId === id))
  const away = images.find((image) => image.serverId === server?.id)
  const there = images.find((image) => image.serverId !== server?.id)
  test.skip(!away || !there, 'two servers with an image each are needed')
  await sayAway(inside, [server!.id])

  await inside.goto('/images/list?size=200')
  const bar = inside.getByTestId('selection-bar')
  await inside.getByTestId(`row-${away!.id}`).getByRole('checkbox').check()
  for (const id of ['pull-selection', 'export-selection', 'delete-selection']) {
    await expect(bar.getByTestId(id), id).toBeDisabled()
    await expect(bar.getByTestId(id), id).toHaveAttribute('title', /do not answer/)
  }
  await expect(bar.getByTestId('away-skip')).toBeHidden()

  await inside.getByTestId(`row-${there!.id}`).getByRole('checkbox').check()
  await expect(bar.getByTestId('away-note')).toContainText('1 of 2 are on servers that do not answer')
  await bar.getByTestId('delete-selection').click()
  const dialog = inside.getByTestId('delete-dialog')
  await expect(dialog.getByTestId('away-note')).toContainText('1 of 2')
  await expect(dialog).toContainText('only known as it was last')

  const asked: number[][] = []
  await inside.route('**/api/v1/images/delete', async (route) => {
    asked.push((route.request().postDataJSON() as { imageIds: number[] }).imageIds)
    await route.fulfill({ status: 503, contentType: 'application/problem+json', json: { status: 503, code: 'shutting_down', title: 'x', detail: 'Not now.' } })
  })
  await dialog.getByTestId('delete-submit').click()
  await expect(dialog.getByTestId('error-note')).toBeVisible()
  await dialog.getByTestId('away-skip').click()
  await dialog.getByTestId('delete-submit').click()
  await expect.poll(() => asked.map((ids) => ids.sort((a, b) => a - b))).toEqual([[there!.id], [away!.id, there!.id].sort((a, b) => a - b)])
})

test('the detail of an image on a server that does not answer offers nothing that needs it', async ({ inside, api }) => {
  const [image] = (await api.images('status=AVAILABLE')).filter((candidate) => candidate.tag !== null)
  test.skip(!image, 'no image')
  await sayAway(inside, [image!.serverId])
  await inside.goto(`/images/list?image=${image!.id}`)
  const drawer = inside.getByTestId('image-drawer')
  await expect(drawer.getByTestId('image-delete')).toBeDisabled()
  await expect(drawer.getByRole('button', { name: 'Pull again' })).toBeDisabled()
  await expect(drawer.getByTestId('last-known')).toBeVisible()
})

test('another page of a list begins at its top', async ({ inside }) => {
  await inside.setViewportSize({ width: 1200, height: 500 })
  await inside.goto('/audit?size=20')
  await inside.getByTestId('pager').scrollIntoViewIfNeeded()
  await inside.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
  expect(await inside.evaluate(() => window.scrollY)).toBeGreaterThan(0)
  await inside.getByTestId('pager').locator('.btn-next').click()
  await expect(inside).toHaveURL(/page=2/)
  await expect.poll(() => inside.evaluate(() => window.scrollY)).toBe(0)
})
