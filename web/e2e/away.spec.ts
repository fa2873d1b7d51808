import { expect, test } from './support'

const CODE = /ServersPage/

test('a page whose code cannot be had says so, and opens when the program is back', async ({ inside }) => {
  await inside.goto('/operations')
  await expect(inside.locator('h1')).toContainText('Operations')
  await inside.route(CODE, (route) => route.abort())
  await inside.route('**/healthz', (route) => route.abort())
  await inside.getByTestId('nav-servers').click()
  const notices = inside.getByTestId('notices')
  await expect(notices).toContainText('imagefleet does not answer')
  await expect(notices.getByTestId('notice-action')).toHaveText('Try again')
  await expect(inside).toHaveURL(/\/operations/)
  await inside.unroute(CODE)
  await inside.unroute('**/healthz')
  await expect(inside).toHaveURL(/\/servers/)
  await expect(inside.locator('h1')).toContainText('Servers')
  await expect(notices).not.toContainText('does not answer')
})

test('a page whose stylesheet could not be had is not shown without it', async ({ inside }) => {
  await inside.goto('/operations')
  await expect(inside.locator('h1')).toContainText('Operations')
  await inside.route(/ServersPage.*\.css/, (route) => route.abort())
  await inside.route('**/healthz', (route) => route.abort())
  await inside.getByTestId('nav-servers').click()
  await expect(inside.getByTestId('notices')).toContainText('imagefleet does not answer')
  await inside.unroute(/ServersPage.*\.css/)
  await inside.unroute('**/healthz')
  await expect(inside.locator('h1')).toContainText('Servers')
  const failed = () => [...document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]')].filter((link) => !link.sheet).map((link) => link.href)
  expect(await inside.evaluate(failed)).toEqual([])
})

test('a page that is not told who is there says that it waits', async ({ inside }) => {
  let held = true
  await inside.route('**/api/v1/session', async (route) => {
    while (held) await inside.waitForTimeout(100)
    await route.continue()
  })
  await inside.goto('/servers', { waitUntil: 'commit' })
  await expect(inside.getByTestId('app-start')).toContainText('has not answered yet')
  held = false
  await expect(inside.locator('h1')).toContainText('Servers')
})

test('a page of a program that was replaced is loaded anew once, at the wanted address', async ({ inside }) => {
  await inside.goto('/operations')
  await expect(inside.locator('h1')).toContainText('Operations')
  let loads = 0
  inside.on('request', (request) => (loads += Number(request.isNavigationRequest())))
  await inside.route(CODE, (route) => (loads === 0 ? route.fulfill({ status: 404, body: '' }) : route.continue()))
  await inside.getByTestId('nav-servers').click()
  await expect(inside).toHaveURL(/\/servers/)
  await expect(inside.locator('h1')).toContainText('Servers')
  expect(loads).toBe(1)
})

test('code that stays missing costs one reload and then a sentence', async ({ inside }) => {
  await inside.goto('/operations')
  await expect(inside.locator('h1')).toContainText('Operations')
  let loads = 0
  inside.on('load', () => (loads += 1))
  await inside.route(CODE, (route) => route.fulfill({ status: 404, body: '' }))
  await inside.getByTestId('nav-servers').click()
  await expect(inside.getByTestId('error-note')).toBeVisible()
  await inside.waitForTimeout(2_000)
  expect(loads).toBe(1)
})
