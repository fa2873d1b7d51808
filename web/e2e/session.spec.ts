import { expect, PASSWORD, test, USERNAME } from './support'

test('a stranger is led to the login and back to where they wanted', async ({ page }) => {
  await page.goto('/images/list?status=error')
  await expect(page).toHaveURL(/\/login\?next=/)
  await page.getByTestId('login-username').fill(USERNAME)
  await page.getByTestId('login-password').fill('certainly wrong')
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('error-note')).toContainText('bad_credentials')

  await page.getByTestId('login-password').fill(PASSWORD)
  await page.getByTestId('login-submit').click()
  await expect(page).toHaveURL(/\/images\/list\?status=error/)
  await expect(page.getByTestId('operations-button')).toBeVisible()
})

test('a login never leads to a foreign address', async ({ page }) => {
  await page.goto('/login?next=//evil.example.com/')
  await page.getByTestId('login-username').fill(USERNAME)
  await page.getByTestId('login-password').fill(PASSWORD)
  await page.getByTestId('login-submit').click()
  await expect(page).toHaveURL(/\/images\//)
  expect(new URL(page.url()).host).toBe(new URL(test.info().project.use.baseURL ?? '').host)
})

test('a session that ended elsewhere leads to the login with a word', async ({ inside }) => {
  await inside.goto('/images/list')
  await expect(inside.getByTestId('nav-images')).toBeVisible()
  await inside.context().clearCookies()
  // The page may ask something by itself before this does, and is gone then.
  await Promise.race([inside.getByTestId('image-search').fill('anything'), inside.waitForURL(/\/login/)])
  await expect(inside).toHaveURL(/\/login\?next=.*expired=1/)
  await expect(inside.getByRole('status').first()).toBeVisible()
})

test('a dialog does not outlive its session', async ({ inside, api }) => {
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-delete').click()
  await expect(inside.getByTestId('delete-dialog')).toBeVisible()
  // The live events end with the session, and so the page hears of it.
  await api.remove('/session')
  await expect(inside).toHaveURL(/\/login\?next=.*expired=1/)
  await inside.getByTestId('login-username').fill(USERNAME)
  await inside.getByTestId('login-password').fill(PASSWORD)
  await inside.getByTestId('login-submit').click()
  await expect(inside.getByTestId('image-drawer')).toBeVisible()
  await expect(inside.getByTestId('delete-dialog')).toBeHidden()
})

test('logging out closes the API', async ({ inside }) => {
  await inside.goto('/images')
  await inside.getByTestId('logout').click()
  await expect(inside).toHaveURL(/\/login/)
  expect((await inside.request.get('/api/v1/images')).status()).toBe(401)
})
