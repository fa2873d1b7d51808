import { expect, test, type OperationSeen } from './support'

/** A registry behind a slow line, of the lab: what comes from it can be watched. */
const SLOW = process.env.IMAGEFLEET_LAB_REGISTRY_SLOW

test('a running pull is seen live, outlives a reload, and can be cancelled', async ({ inside, api }) => {
  const [server] = await api.online()
  test.skip(!SLOW || !server, 'no slow registry')
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  await inside.getByTestId('pull-reference').fill(`${SLOW}/data/large`)
  await inside.getByTestId('pull-tag').fill('1.0')
  await inside.getByTestId(`pick-server-${server!.id}`).click()
  const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/pull'))
  await inside.getByTestId('pull-submit').click()
  const operation = (await (await begun).json()) as OperationSeen

  const toast = inside.getByTestId(`toast-${operation.id}`)
  const bar = toast.getByRole('progressbar')
  const figure = async () => Number(await bar.getAttribute('aria-valuenow'))
  await expect(toast).toContainText('/s')
  const seen: number[] = []
  for (let sample = 0; sample < 12; sample += 1) {
    seen.push(await figure())
    await inside.waitForTimeout(250)
  }
  expect(seen, 'a bar never falls back').toEqual([...seen].sort((a, b) => a - b))
  expect(seen.at(-1), 'a bar moves').toBeGreaterThan(seen[0]!)

  await inside.reload()
  await expect(toast).toHaveAttribute('data-status', 'running')
  expect(await figure()).toBeGreaterThanOrEqual(seen.at(-1)!)
  await inside.keyboard.press('o')
  const card = inside.getByTestId('operations-drawer').getByTestId(`operation-${operation.id}`)
  await expect(card.getByTestId(`step-${server!.id}`)).toContainText('layers')
  await card.getByTestId('operation-cancel').click()
  await expect(card).toHaveAttribute('data-status', 'cancelled')
  expect((await api.ended(operation.id)).status).toBe('cancelled')
})
