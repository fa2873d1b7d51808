import type { Page } from '@playwright/test'
import { expect, expectNoSideScroll, fillServer, pullable, test, withoutTag, type OperationSeen } from './support'

/** A fleet of any size, every tenth offline; only what is read is made up. */
async function fleetOf(page: Page, size: number): Promise<void> {
  await page.route(/\/api\/v1\/servers\?/, async (route) => {
    const real = await route.fetch()
    const { items } = (await real.json()) as { items: object[] }
    const made = Array.from({ length: size }, (_, at) => ({ ...items[0], id: 10_000 + at, name: `made-${at}`, status: at % 10 === 9 ? 'offline' : 'online' }))
    await route.fulfill({ response: real, json: { items: made, total: size, page: 1, size: 200 } })
  })
}

test('the fleet is one stop of the tab key, with arrow keys inside', async ({ inside }) => {
  await fleetOf(inside, 60)
  await inside.goto('/exports')
  const marks = inside.getByTestId('fleet-strip').getByRole('toolbar').getByRole('link')
  await expect(marks).toHaveCount(60)
  await expect(inside.getByTestId('fleet-strip').locator('.cells a[tabindex="0"]')).toHaveCount(1)
  await marks.first().focus()
  await inside.keyboard.press('ArrowRight')
  await expect(marks.nth(1)).toBeFocused()
  await inside.keyboard.press('End')
  await expect(marks.nth(59)).toBeFocused()
  await expect(inside.getByTestId('fleet-strip').locator('.cells a[tabindex="0"]')).toHaveCount(1)
  await inside.keyboard.press('Home')
  await expect(marks.first()).toBeFocused()
  await expect(inside.getByTestId('fleet-offline')).toHaveText('6 offline')
})

test('many marks leave the words beside them their room', async ({ inside }) => {
  await fleetOf(inside, 200)
  await inside.goto('/exports')
  const words = await inside.getByTestId('fleet-offline').boundingBox()
  const strip = await inside.getByTestId('fleet-strip').boundingBox()
  expect(words!.x + words!.width).toBeLessThanOrEqual(strip!.x + strip!.width)
  const last = await inside.getByTestId('fleet-strip').locator('.cells a').last().boundingBox()
  expect(last!.x + last!.width, 'every mark is seen').toBeLessThanOrEqual(words!.x)
})

test('a fleet that does not fit is counted, in the page\'s language', async ({ inside }) => {
  await fleetOf(inside, 200)
  await inside.setViewportSize({ width: 390, height: 844 })
  await inside.goto('/exports')
  const strip = inside.getByTestId('fleet-strip')
  await expect(strip.getByRole('link')).toHaveText(['180 online', '20 offline'])
  await expectNoSideScroll(inside)
  await inside.getByTestId('nav-menu').click()
  await inside.getByTestId('locale-switch').last().click()
  await inside.keyboard.press('Escape')
  await expect(strip.getByRole('link')).toHaveText(['180 台在线', '20 台离线'])
})

test('the focus stays with the menu of a row, and with the button that opened a form', async ({ inside, api }) => {
  const name = `e2e-focus-${Date.now()}`
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  await fillServer(inside, name)
  await inside.getByTestId('server-save').click()
  await expect(inside.getByTestId('server-dialog')).toBeHidden()
  await expect(inside.getByTestId('add-server')).toBeFocused()

  const row = inside.getByTestId('server-table').locator('tbody tr', { hasText: name })
  const more = row.getByTestId('server-more')
  await more.focus()
  await inside.keyboard.press('Enter')
  const pause = inside.getByRole('menuitem', { name: 'Pause queue' })
  await expect(pause).toBeFocused()
  await inside.keyboard.press('Enter')
  await expect(row).toContainText('queue paused')
  await expect(more).toBeFocused()
  await inside.keyboard.press('Enter')
  await expect(inside.getByRole('menuitem', { name: 'Resume queue' })).toBeFocused()
  await inside.keyboard.press('Escape')
  await expect(more).toBeFocused()
  for (const server of (await api.get<{ items: { id: number }[] }>(`/servers?q=${name}`)).items) await api.remove(`/servers/${server.id}`)
})

test('the focus stays with an operation whose buttons change', async ({ inside, api }) => {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  const { id } = await api.post<OperationSeen>('/images/pull', { reference: `${withoutTag(reference!)}:no-such-tag`, serverIds: [server!.id] })
  const failed = await api.ended(id)
  const as = (status: string) => ({ ...failed, status, steps: failed.steps.map((step) => ({ ...step, status, error: null })) })
  await inside.route(`**/api/v1/operations/${id}/retry`, (route) => route.fulfill({ status: 202, json: as('queued') }))
  await inside.route(`**/api/v1/operations/${id}/cancel`, (route) => route.fulfill({ status: 202, json: as('cancelled') }))
  await inside.goto('/operations')
  const card = inside.getByTestId('operation-list').getByTestId(`operation-${id}`)
  await card.getByTestId('operation-retry').focus()
  await inside.keyboard.press('Enter')
  await expect(card.getByTestId('operation-cancel')).toBeFocused()
  await inside.keyboard.press('Enter')
  await expect(card.getByTestId('operation-retry')).toBeFocused()
})

test('the sections of a long form are tabs with arrow keys; what is wrong is shown, and has the focus', async ({ inside, api }) => {
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-run').click()
  const dialog = inside.getByTestId('container-dialog')
  await expect(dialog.getByTestId('container-name')).not.toHaveValue('')
  await dialog.getByTestId('container-tab-basics').focus()
  await inside.keyboard.press('End')
  await expect(dialog.getByTestId('container-tab-preview')).toBeFocused()
  await expect(dialog.getByTestId('preview-run')).toBeVisible()
  await expect(dialog.getByTestId('preview-incomplete')).toBeHidden()

  await dialog.getByTestId('container-tab-ports').click()
  await dialog.getByTestId('port-add').click()
  await dialog.getByTestId('port-host').last().fill('99999')
  await dialog.getByTestId('container-tab-preview').click()
  await expect(dialog.getByTestId('preview-incomplete')).toBeVisible()
  await dialog.getByTestId('container-submit').click()
  await expect(dialog.getByTestId('container-tab-ports')).toHaveAttribute('aria-selected', 'true')
  expect(await inside.evaluate(() => document.activeElement?.closest('.entry')?.querySelector('.fault') != null), 'the focus is in the row that is wrong').toBe(true)
})

test('a box that was ticked leaves the keys to the page', async ({ inside, api }) => {
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  await inside.goto('/images/list?size=200')
  await inside.getByTestId(`row-${image!.id}`).getByRole('checkbox').check()
  await inside.keyboard.press('o')
  await expect(inside.getByTestId('operations-drawer')).toBeVisible()
})
