import { expect, pullable, pullByForm, test, withoutTag, type Api } from './support'

/** A reference that every pull fails with, and where to pull it. */
async function missing(api: Api): Promise<{ reference: string; serverId: number }> {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  return { reference: `${withoutTag(reference!)}:no-such-tag`, serverId: server!.id }
}

test('toasts of failures leave the page, its dialogs and its drawers free', async ({ inside, api }) => {
  const { reference, serverId } = await missing(api)
  await inside.goto('/images/list')
  for (let at = 0; at < 4; at += 1) {
    const { id } = await pullByForm(inside, `${reference}-${at}`, serverId)
    await expect(inside.getByTestId(`toast-${id}`)).toHaveAttribute('data-status', 'failed')
  }
  const toasts = inside.getByTestId('toasts')
  await expect(toasts.getByRole('article')).toHaveCount(3)
  await expect(inside.getByTestId('toasts-count')).toHaveText('1 more: 1 failed')
  for (const id of ['open-import', 'open-pull', 'operations-button']) await inside.getByTestId(id).click({ trial: true })

  await inside.getByTestId('image-table').locator('tbody tr').first().locator('td.lead').click()
  const drawer = inside.getByRole('dialog').filter({ has: inside.getByTestId('image-drawer') })
  await drawer.getByRole('button', { name: /close/i }).first().click()
  await expect(inside.getByTestId('image-drawer')).toBeHidden()

  await inside.getByTestId('operations-button').click()
  await expect(inside.getByTestId('operations-drawer')).toBeVisible()
  await inside.keyboard.press('Escape')
  await expect(inside.getByTestId('operations-drawer')).toBeHidden()
  await expect(toasts, 'what was read in the drawer does not come back').toHaveCount(0)
})

test('toasts close all at once', async ({ inside, api }) => {
  const { reference, serverId } = await missing(api)
  await inside.goto('/images/list')
  for (let at = 0; at < 2; at += 1) await pullByForm(inside, `${reference}-${at}`, serverId)
  await expect(inside.getByTestId('toasts').getByRole('article')).toHaveCount(2)
  await inside.getByTestId('toasts-close').click()
  await expect(inside.getByTestId('toasts')).toHaveCount(0)
})

test('what was begun in a drawer tells above it how it ended, and leaves its controls free', async ({ inside, api }) => {
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  const failed = { id: 'made-up', kind: 'pull_image', status: 'failed', title: 'Pull made-up to a', message: '', progress: 0, createdBy: 'admin', createdAt: new Date().toISOString(), error: { code: 'engine_error', message: 'Made up.' }, steps: [] }
  await inside.route('**/api/v1/images/pull', (route) => route.fulfill({ status: 202, json: failed }))
  await inside.route('**/api/v1/operations/made-up', (route) => route.fulfill({ json: failed }))
  await inside.goto(`/images/list?image=${image!.id}`)
  const drawer = inside.getByTestId('image-drawer')
  await drawer.getByRole('button', { name: 'Pull again' }).click()
  await inside.getByTestId('pull-submit').click()
  const toast = inside.getByTestId('toast-made-up')
  await expect(toast).toContainText('Made up.')
  await drawer.getByTestId('image-delete').click({ trial: true })
  await toast.getByRole('button', { name: 'Close' }).click()
  await expect(toast).toBeHidden()
  await expect(drawer).toBeVisible()
})

test('at 390 px toasts are one line, and never over the buttons of a sheet', async ({ inside, api }) => {
  const { reference, serverId } = await missing(api)
  await inside.setViewportSize({ width: 390, height: 844 })
  await inside.goto('/images/list')
  await pullByForm(inside, reference, serverId)
  const line = inside.getByTestId('toasts')
  await expect(line).toContainText('failed')
  expect((await line.boundingBox())?.height).toBeLessThan(60)
  await inside.getByTestId('open-pull').click()
  const sheet = inside.getByTestId('pull-dialog')
  await sheet.getByRole('button', { name: 'Cancel' }).click()
  await expect(sheet).toBeHidden()
  await inside.getByTestId('toasts-count').click()
  await expect(inside.getByTestId('operations-drawer')).toBeVisible()
})
