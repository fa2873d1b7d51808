import { expect, expectNoSideScroll, test } from './support'

const PAGES = ['/images/by-server', '/images/by-image', '/images/list', '/servers', '/operations', '/containers', '/software', '/registries', '/exports', '/users', '/audit', '/account']

for (const width of [1440, 390]) {
  for (const [locale, colorScheme] of [['en-US', 'light'], ['zh-CN', 'dark']] as const) {
    test.describe(`${width} px, ${locale}, ${colorScheme}`, () => {
      test.use({ viewport: { width, height: width === 390 ? 844 : 900 }, locale, colorScheme })

      test('every page fits and loads', async ({ inside }) => {
        for (const path of PAGES) {
          await inside.goto(path)
          await expect(inside.locator('h1').first(), path).toBeVisible()
          await expect(inside.getByTestId('loading'), path).toHaveCount(0)
          await expect(inside.getByTestId('error-note'), path).toHaveCount(0)
          await expectNoSideScroll(inside)
        }
        expect(await inside.evaluate(() => document.documentElement.lang)).toBe(locale === 'en-US' ? 'en' : 'zh-CN')
        expect(await inside.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(colorScheme === 'dark')
      })
    })
  }
}

test('language and appearance switch and stay', async ({ inside }) => {
  await inside.goto('/images/list')
  await expect(inside.locator('h1')).toContainText('Images')
  await inside.getByTestId('locale-switch').click()
  await expect(inside.locator('h1')).toContainText('镜像')
  await inside.getByTestId('theme-switch').click()
  await inside.getByTestId('theme-switch').click()
  await expect(inside.locator('html')).toHaveClass(/dark/)
  await inside.reload()
  await expect(inside.locator('h1')).toContainText('镜像')
  await expect(inside.locator('html')).toHaveClass(/dark/)
})

test('at 390 px a dialog is a sheet whose buttons stay on screen', async ({ inside, api }) => {
  await inside.setViewportSize({ width: 390, height: 700 })
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  await expect(inside.getByTestId('pull-submit')).toBeInViewport({ ratio: 1 })
  await expectNoSideScroll(inside)

  const image = await api.present()
  test.skip(!image, 'no image to install from')
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-run').click()
  const dialog = inside.getByTestId('container-dialog')
  for (const tab of ['basics', 'ports', 'environment', 'volumes', 'advanced', 'preview']) {
    await dialog.getByTestId(`container-tab-${tab}`).click()
    await expect(dialog.getByTestId('container-submit')).toBeInViewport({ ratio: 1 })
    await expectNoSideScroll(inside)
  }
})

test('at 390 px the menu is a drawer', async ({ inside }) => {
  await inside.setViewportSize({ width: 390, height: 844 })
  await inside.goto('/images/by-server')
  await inside.getByTestId('nav-menu').click()
  await inside.getByTestId('nav-servers').last().click()
  await expect(inside).toHaveURL(/\/servers/)
})
