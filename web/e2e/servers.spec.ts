import { expect, fillServer, test } from './support'

test('a server that does not answer is added, shown offline with its reason, and removed', async ({ inside }) => {
  const name = `e2e-${Date.now()}`
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  await inside.getByTestId('server-save').click()
  await expect(inside.getByText('Give the server a name.')).toBeVisible()
  await fillServer(inside, name)
  await inside.getByTestId('server-save').click()
  await expect(inside.getByTestId('server-dialog')).toBeHidden()
  await expect(inside.getByRole('alert').filter({ hasText: `${name} is saved` })).toBeVisible()

  const row = inside.getByTestId('server-table').locator('tbody tr', { hasText: name })
  await expect(row).toHaveAttribute('data-status', 'offline')
  await expect(row.getByTestId('offline-reason')).toBeVisible()
  await row.getByTestId('test-server').click()
  await expect(inside.getByRole('alert').filter({ hasText: `${name}: the test failed` })).toBeVisible()

  await inside.goto('/images/by-server')
  const card = inside.getByRole('region', { name })
  await expect(card).toContainText('Its images are not known')
  await expect(card, 'nothing known is not nothing there').not.toContainText('no images')
  await inside.goto('/servers')

  await row.getByTestId('server-more').click()
  await inside.getByTestId('disable-server').filter({ visible: true }).click()
  await expect(inside.getByRole('dialog', { name: `Disable ${name}?` }), 'nothing happens before it is confirmed').toBeVisible()
  await expect(row).toHaveAttribute('data-status', 'offline')
  await inside.getByTestId('confirm').filter({ visible: true }).click()
  await expect(row).toHaveAttribute('data-status', 'disabled')

  await row.getByTestId('server-more').click()
  await inside.getByTestId('remove-server').filter({ visible: true }).click()
  await inside.getByTestId('confirm').filter({ visible: true }).click()
  await expect(row).toHaveCount(0)
})

test('plain TCP to another machine warns', async ({ inside }) => {
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  await inside.getByTestId('way-tcp').click()
  await inside.getByTestId('server-host').fill('10.1.2.3')
  await expect(inside.getByText('Prefer TLS or SSH')).toBeVisible()
  await inside.getByTestId('way-tcps').click()
  await expect(inside.getByText('Prefer TLS or SSH')).toBeHidden()
})
