import { expect, test, type OperationSeen } from './support'

interface ContainerSeen {
  id: number
  name: string
  state: string
}

test('a container is made from an image, watched, and removed', async ({ inside, api }) => {
  await api.sync()
  const image = await api.present('q=demo/web')
  test.skip(!image, 'no image that can run')
  const name = `e2e-${Date.now()}`

  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-run').click()
  const dialog = inside.getByTestId('container-dialog')
  await expect(dialog.getByTestId('container-name')).not.toHaveValue('')
  await dialog.getByTestId('container-name').fill('no spaces, please')
  await expect(dialog.getByText('A name begins with')).toBeVisible()
  await dialog.getByTestId('container-name').fill(name)

  await dialog.getByTestId('container-tab-ports').click()
  await dialog.getByTestId('port-0').getByTestId('port-host').fill('70000')
  await expect(dialog.getByText('1 to 65535')).toBeVisible()
  await dialog.getByTestId('port-0').getByTestId('port-host').fill('')
  await dialog.getByTestId('container-tab-environment').click()
  await dialog.getByTestId('env-add').click()
  await dialog.getByTestId('env-name').last().fill('E2E_TOKEN')
  await dialog.getByTestId('env-value').last().fill("it's $HOME")
  await dialog.getByTestId('container-tab-preview').click()
  await expect(dialog.getByTestId('preview-run')).toContainText(`--env 'E2E_TOKEN=it'\\''s $HOME'`)
  await expect(dialog.getByTestId('preview-compose')).toContainText(`"E2E_TOKEN": "it's $$HOME"`)

  const begun = inside.waitForResponse((response) => /\/images\/\d+\/containers$/.test(response.url()))
  await dialog.getByTestId('container-submit').click()
  const operation = (await (await begun).json()) as OperationSeen
  expect((await api.ended(operation.id)).status).toBe('succeeded')

  const { items } = await api.get<{ items: ContainerSeen[] }>(`/containers?q=${name}`)
  expect(items).toHaveLength(1)
  const row = inside.getByTestId(`container-${items[0]!.id}`)
  await inside.goto(`/containers?q=${name}`)
  await expect(row).toHaveAttribute('data-state', 'running')
  await row.locator('td.lead').click()
  const drawer = inside.getByTestId('container-drawer')
  await expect(drawer.getByText('E2E_TOKEN=')).toBeVisible()
  await expect(drawer.getByText("it's $HOME"), 'a secret is hidden until asked for').toHaveCount(0)
  await drawer.getByRole('button', { name: 'show' }).first().click()
  await expect(drawer.getByText("it's $HOME")).toBeVisible()
  await drawer.getByTestId('container-logs').click()
  await expect(drawer.getByTestId('log')).toBeVisible()
  await drawer.getByTestId('container-stats').click()
  await expect(drawer.getByText('CPU')).toBeVisible()
  await inside.keyboard.press('Escape')

  await row.getByTestId('container-stop-button').click()
  const question = inside.getByRole('dialog').filter({ hasText: 'Stop container?' })
  await expect(question).toContainText(name)
  await expect(row, 'nothing stops unasked').toHaveAttribute('data-state', 'running')
  await question.getByTestId('confirm').click()
  await expect(row).toHaveAttribute('data-state', 'exited', { timeout: 30_000 })
  await row.getByTestId('container-more').click()
  await inside.getByRole('menuitem', { name: 'Remove' }).filter({ visible: true }).click()
  await inside.getByTestId('confirm').filter({ visible: true }).click()
  await expect(row).toHaveCount(0)
})
