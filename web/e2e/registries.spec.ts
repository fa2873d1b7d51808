import { expect, test } from './support'

test('a registry is browsed: tags with digest, size and platforms, searched, and pulled from', async ({ inside, api }) => {
  const [registry] = (await api.get<{ items: { id: number; name: string }[] }>('/registries')).items
  test.skip(!registry, 'no registry')
  await inside.goto('/registries')
  await inside.getByTestId(`registry-${registry!.id}`).getByTestId('test-registry').click()
  await expect(inside.getByTestId('registry-ok')).toBeVisible()

  await inside.getByTestId(`registry-${registry!.id}`).getByTestId('browse-registry').click()
  const drawer = inside.getByTestId('browse-drawer')
  await drawer.getByTestId('repository-search').fill('multi')
  await drawer.getByRole('button', { name: 'demo/multi' }).click()
  const tag = drawer.getByRole('listitem').filter({ hasText: '1.0' })
  await expect(tag).toContainText('linux/amd64, linux/arm64')
  await expect(tag).toContainText('MB')
  await expect(tag.locator('.digest')).toHaveAttribute('title', /^sha256:[0-9a-f]{64}$/)

  await drawer.getByRole('button', { name: 'Back' }).click()
  await drawer.getByTestId('repository-search').fill('builds')
  await drawer.getByRole('button', { name: 'team/builds' }).click()
  await expect(drawer.getByTestId('pager'), 'nothing is cut silently').toContainText('of 120')
  await drawer.getByTestId('tag-search').fill('b117')
  await expect(drawer.getByRole('listitem').filter({ hasText: 'b117' })).toBeVisible()
  await drawer.getByRole('listitem').filter({ hasText: 'b117' }).getByRole('button', { name: 'Pull' }).click()
  await expect(inside.getByTestId('pull-reference')).toHaveValue(/team\/builds:b117$/)
})
