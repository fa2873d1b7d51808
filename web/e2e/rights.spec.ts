import { readFile } from 'node:fs/promises'
import { expect, test } from './support'

test('who may only look is offered nothing else', async ({ inside, browser }) => {
  const username = `looker-${Date.now()}`
  const password = `first-${crypto.randomUUID()}`
  const next = `second-${crypto.randomUUID()}`
  await inside.goto('/users')
  await inside.getByTestId('add-user').click()
  const dialog = inside.getByTestId('user-dialog')
  await dialog.getByTestId('user-name').fill(username)
  await dialog.getByTestId('user-password').fill(password)
  await dialog.getByTestId('add-grant').click()
  await dialog.getByTestId('user-save').click()
  await expect(inside.getByTestId(`user-${username}`)).toContainText('viewer')

  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(new URL('/images/list', inside.url()).href)
  await page.getByTestId('login-username').fill(username)
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('first-password')).toBeVisible()
  await page.getByTestId('password-current').fill(password)
  await page.getByTestId('password-new').fill(next)
  await page.getByTestId('password-again').fill(next)
  await page.getByTestId('password-submit').click()
  await expect(page.getByTestId('view-list')).toBeVisible()
  await expect(page.getByTestId('open-pull')).toHaveCount(0)
  await expect(page.getByTestId('open-import')).toHaveCount(0)
  await expect(page.getByTestId('nav-users')).toHaveCount(0)
  await expect(page.getByTestId('nav-audit')).toHaveCount(0)
  expect((await page.request.get('/api/v1/users')).status()).toBe(403)

  // Asked, the page says why: beside what it offers, on a page that is not theirs, and on the account's own.
  await page.getByTestId('why-not').click()
  await expect(page.getByTestId('why-not-text').filter({ visible: true })).toContainText('image:pull')
  await page.goto(new URL('/users', inside.url()).href)
  await expect(page.getByTestId('not-allowed')).toContainText('user:manage')
  await page.goto(new URL('/account', inside.url()).href)
  await expect(page.getByTestId('my-rights').getByRole('row', { name: /image:view/ })).toContainText('All servers')
  await expect(page.getByTestId('my-rights').getByRole('row', { name: /image:delete/ })).toContainText('not granted')
  await context.close()

  await inside.getByTestId(`user-${username}`).getByTestId('remove-user').click()
  await inside.getByTestId('confirm').filter({ visible: true }).click()
  await expect(inside.getByTestId(`user-${username}`)).toHaveCount(0)
})

test('a token is shown once, works, and ends when it is revoked', async ({ inside, playwright }) => {
  const name = `e2e-${Date.now()}`
  await inside.goto('/account')
  await inside.getByTestId('token-scope').click()
  await inside.getByRole('option', { name: 'See servers' }).click()
  await inside.keyboard.press('Escape')
  await inside.getByTestId('token-name').fill(name)
  await inside.getByTestId('token-create').click()
  const secret = await inside.getByTestId('token-secret').innerText()
  const baseURL = new URL('/', inside.url()).href
  const script = await playwright.request.newContext({ baseURL, extraHTTPHeaders: { authorization: `Bearer ${secret}` } })
  expect((await script.get('/api/v1/images')).status()).toBe(200)
  expect((await script.post('/api/v1/images/sync', { data: {} })).status(), 'outside its scope').toBe(403)
  await inside.reload()
  await expect(inside.getByTestId('token-secret')).toHaveCount(0)
  await inside.locator('tr', { hasText: name }).getByTestId('token-delete').click()
  await inside.getByRole('dialog').filter({ hasText: `Revoke ${name}?` }).getByTestId('confirm').click()
  await expect(inside.locator('tr', { hasText: name })).toHaveCount(0)
  expect((await script.get('/api/v1/images')).status()).toBe(401)
  await script.dispose()
})

test('the secret of a token that is revoked is no longer shown', async ({ inside }) => {
  const name = `e2e-shown-${Date.now()}`
  await inside.goto('/account')
  await inside.getByTestId('token-name').fill(name)
  await inside.getByTestId('token-create').click()
  await expect(inside.getByTestId('token-secret')).toBeVisible()
  await inside.locator('tr', { hasText: name }).getByTestId('token-delete').click()
  await inside.getByRole('dialog').filter({ hasText: `Revoke ${name}?` }).getByTestId('confirm').click()
  await expect(inside.locator('tr', { hasText: name })).toHaveCount(0)
  await expect(inside.getByTestId('token-secret')).toHaveCount(0)
})

test('a role is added, given a right, and removed only after a question', async ({ inside, api }) => {
  const role = `e2e-${Date.now()}`
  const verbs = async () => (await api.get<{ items: { name: string; verbs: string[] }[] }>('/roles')).items.find(({ name }) => name === role)?.verbs
  await inside.goto('/users')
  await inside.getByTestId('role-name').fill(role)
  await inside.getByTestId('role-name').press('Enter')
  await expect(inside.getByTestId(`remove-role-${role}`)).toBeVisible()
  await inside.getByRole('checkbox', { name: `${role} image:pull` }).locator('..').click()
  await expect.poll(verbs).toEqual(['image:view', 'image:pull'])

  await inside.getByRole('button', { name: `Remove ${role}` }).click()
  const question = inside.getByRole('dialog').filter({ hasText: `Remove ${role}?` })
  await inside.keyboard.press('Escape')
  await expect(question).toBeHidden()
  expect(await verbs(), 'nothing happened without an answer').toBeDefined()
  await inside.getByTestId(`remove-role-${role}`).click()
  await question.getByTestId('confirm').click()
  await expect(inside.getByTestId(`remove-role-${role}`)).toHaveCount(0)
  expect(await verbs()).toBeUndefined()
})

test('what was done stands in the audit', async ({ inside }) => {
  await inside.goto('/audit?q=session.login')
  await expect(inside.getByTestId('audit-table').locator('tbody tr').first()).toContainText('session.login')
  const waiting = inside.waitForEvent('download')
  await inside.getByTestId('audit-jsonl').click()
  const lines = (await readFile(await (await waiting).path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { action: string })
  expect(lines.length).toBeGreaterThan(0)
  expect(new Set(lines.map((line) => line.action)), 'only what the list shows').toEqual(new Set(['session.login']))
})
