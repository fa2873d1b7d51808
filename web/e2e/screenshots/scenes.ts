import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { REGISTRY, SLOW, type Fleet } from './fleet'

export interface Scene {
  /** Brings the page to what the picture shows. */
  go(page: Page, fleet: Fleet): Promise<void>
  /** Ends what it began. */
  after?(page: Page, fleet: Fleet): Promise<void>
  stranger?: boolean
}

const settled = async (page: Page) => {
  await expect(page.getByTestId('loading')).toHaveCount(0)
  // What streams, as logs do, is never idle.
  await page.waitForLoadState('networkidle', { timeout: 5_000 }).catch(() => undefined)
}
const at = (path: string): Scene => ({
  go: async (page) => {
    await page.goto(path)
    await settled(page)
  },
})

async function detail(page: Page, fleet: Fleet, server: string, name: string): Promise<void> {
  await page.goto(`/images/list?image=${await fleet.image(server, name)}`)
  await expect(page.getByTestId('layers').or(page.getByTestId('error-note').last())).toBeVisible()
  await settled(page)
}

async function pullSlowly(page: Page, fleet: Fleet): Promise<void> {
  await page.goto('/images/by-server')
  await page.getByTestId('open-pull').click()
  await page.getByTestId('pull-reference').fill(`${SLOW}/data/large:1.0`)
  await page.getByTestId(`pick-server-${fleet.servers['web-01']}`).click()
  await page.getByTestId(`pick-server-${fleet.servers['db-01']}`).click()
  await page.getByTestId('pull-submit').click()
  await expect(page.getByTestId('toasts')).toContainText('/s')
  await expect.poll(async () => Number(await page.getByTestId('toasts').getByRole('progressbar').first().getAttribute('aria-valuenow'))).toBeGreaterThan(25)
}
const cancelAll: Scene['after'] = async (_page, fleet) => {
  for (const operation of await fleet.list<{ id: string }>('/operations?active=true')) {
    await fleet.call('POST', `/operations/${operation.id}/cancel`)
    await fleet.end(operation)
  }
}

async function form(page: Page, fleet: Fleet, tab: string): Promise<void> {
  await detail(page, fleet, 'web-01', 'mysql:8.0')
  await page.getByTestId('image-run').click()
  await expect(page.getByTestId('container-name')).not.toHaveValue('')
  await page.getByTestId(`container-tab-${tab}`).click()
}

async function containerTab(page: Page, fleet: Fleet, name: string, tab: string): Promise<void> {
  const [container] = await fleet.list(`/containers?q=${name}`)
  await page.goto(`/containers?container=${container!.id}`)
  await page.getByTestId(`container-${tab}`).click()
  await settled(page)
}

/** Every picture, by its file name. */
export const SCENES: Record<string, Scene> = {
  login: { ...at('/login'), stranger: true },
  'by-server': at('/images/by-server'),
  'by-image': at('/images/by-image'),
  'by-image-drift': at('/images/by-image?q=demo'),
  list: at('/images/list'),
  'list-selected': {
    go: async (page) => {
      await page.goto('/images/list?q=demo')
      await settled(page)
      for (const box of (await page.getByTestId('image-table').locator('td.check input').all()).slice(0, 3)) await box.check()
      await expect(page.getByTestId('selection-bar')).toBeVisible()
    },
  },
  'list-empty': at('/images/list?q=nothing-like-this'),
  image: { go: (page, fleet) => detail(page, fleet, 'web-01', 'nginx:1.27') },
  'pull-dialog': {
    go: async (page, fleet) => {
      await page.goto('/images/by-server')
      await page.getByTestId('open-pull').click()
      await page.getByTestId('pull-reference').fill(`${REGISTRY}/library/nginx:1.27`)
      await page.getByTestId(`pick-server-${fleet.servers['web-02']}`).click()
      await page.getByTestId(`pick-server-${fleet.servers['db-01']}`).click()
    },
  },
  'pull-toast': { go: pullSlowly, after: cancelAll },
  'pull-drawer': {
    go: async (page, fleet) => {
      await pullSlowly(page, fleet)
      await page.getByTestId('operations-button').click()
      await expect(page.getByTestId('operations-drawer')).toBeVisible()
    },
    after: cancelAll,
  },
  'pull-failed': {
    go: async (page) => {
      await page.goto('/operations?status=failed&kind=pull_image')
      await settled(page)
      await page.getByTestId('operation-list').locator('article header button').first().click()
      await expect(page.getByTestId('error-hint').first()).toBeVisible()
    },
  },
  delete: {
    go: async (page, fleet) => {
      await detail(page, fleet, 'web-01', 'nginx:1.27')
      await page.getByTestId('image-delete').click()
      await expect(page.getByTestId('delete-users').first()).toBeVisible()
    },
  },
  copy: {
    go: async (page, fleet) => {
      await detail(page, fleet, 'web-02', 'demo/api:2.3.1')
      await page.getByTestId('image-copy').click()
      const dialog = page.getByTestId('copy-dialog')
      await dialog.getByTestId(`pick-server-${fleet.servers['db-01']}`).click()
      await dialog.getByTestId(`pick-server-${fleet.servers['edge-01']}`).click()
      await expect(dialog.getByTestId('copy-preview')).toContainText(/\d/)
    },
  },
  export: {
    go: async (page, fleet) => {
      await detail(page, fleet, 'web-01', 'nginx:1.27')
      await page.getByTestId('image-export').click()
      await expect(page.getByTestId('export-dialog')).toBeVisible()
    },
  },
  import: {
    go: async (page, fleet) => {
      await page.goto('/images/by-server')
      await page.getByTestId('open-import').click()
      for (const server of ['web-01', 'web-02']) await page.getByTestId(`pick-server-${fleet.servers[server]}`).click()
      await page.getByTestId('import-next').click()
      await page.getByTestId('file-input').setInputFiles(join(process.env.IMAGEFLEET_LAB_ARCHIVES ?? '', 'shop.tar'))
      await expect(page.getByTestId('import-file')).toHaveAttribute('data-state', 'ready')
    },
  },
  'import-inside': {
    go: async (page, fleet) => {
      await SCENES.import!.go(page, fleet)
      await page.getByTestId('import-next').click()
      await expect(page.getByTestId('archive-contents')).toBeVisible()
    },
  },
  'container-basics': { go: (page, fleet) => form(page, fleet, 'basics') },
  'container-ports': { go: (page, fleet) => form(page, fleet, 'ports') },
  'container-environment': { go: (page, fleet) => form(page, fleet, 'environment') },
  'container-volumes': { go: (page, fleet) => form(page, fleet, 'volumes') },
  'container-advanced': { go: (page, fleet) => form(page, fleet, 'advanced') },
  'container-preview': {
    go: async (page, fleet) => {
      await form(page, fleet, 'environment')
      await page.getByTestId('env-generate').first().click()
      await page.getByTestId('container-tab-preview').click()
    },
  },
  containers: at('/containers'),
  container: { go: (page, fleet) => containerTab(page, fleet, 'orders-db', 'facts') },
  logs: { go: (page, fleet) => containerTab(page, fleet, 'ticker', 'logs') },
  load: {
    go: async (page, fleet) => {
      await containerTab(page, fleet, 'ticker', 'stats')
      await page.waitForTimeout(9_000)
    },
  },
  software: at('/software'),
  // Who may only look, and asks why there is no more.
  'rights-asked': {
    go: async (page, fleet) => {
      await fleet.become(page, 'jonas')
      await detail(page, fleet, 'web-01', 'nginx:1.27')
      await page.getByTestId('image-drawer').getByTestId('why-not').click()
      await expect(page.getByTestId('why-not-text').filter({ visible: true })).toBeVisible()
    },
  },
  'rights-page': {
    go: async (page, fleet) => {
      await fleet.become(page, 'jonas')
      await page.goto('/audit')
      await expect(page.getByTestId('not-allowed')).toBeVisible()
    },
  },
  'no-answer': {
    go: async (page) => {
      await page.route('**/api/v1/images/**', (route) => route.abort())
      await page.goto('/images/list')
      await expect(page.getByTestId('error-note')).toBeVisible({ timeout: 30_000 })
    },
  },
  servers: at('/servers'),
  'server-dialog': {
    go: async (page) => {
      await page.goto('/servers')
      await settled(page)
      await page.getByTestId('add-server').click()
      await page.getByTestId('way-ssh').click()
    },
  },
  registries: at('/registries'),
  browse: {
    go: async (page) => {
      await page.goto('/registries')
      await settled(page)
      await page.getByTestId('browse-registry').first().click()
      await page.getByTestId('browse-drawer').getByRole('button', { name: 'demo/multi' }).click()
      await settled(page)
    },
  },
  operations: at('/operations'),
  exports: at('/exports'),
  users: at('/users'),
  'user-dialog': {
    go: async (page) => {
      await page.goto('/users')
      await settled(page)
      await page.getByTestId('user-jonas').getByTestId('edit-user').click()
    },
  },
  audit: at('/audit'),
  account: at('/account'),
  keys: {
    go: async (page) => {
      await page.goto('/images/by-server')
      await settled(page)
      await page.keyboard.press('?')
      await expect(page.getByTestId('key-help')).toBeVisible()
    },
  },
  missing: at('/no-such-page'),
}
