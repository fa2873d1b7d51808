import { join } from 'node:path'
import { test } from '@playwright/test'
import { PASSWORD, USERNAME } from '../support'
import { Fleet } from './fleet'
import { SCENES } from './scenes'

interface Look {
  width: number
  locale: 'en-US' | 'zh-CN'
  colorScheme: 'light' | 'dark'
}

const LOOKS: Record<string, Look> = {
  'wide-en-light': { width: 1440, locale: 'en-US', colorScheme: 'light' },
  'wide-zh-dark': { width: 1440, locale: 'zh-CN', colorScheme: 'dark' },
  'phone-en-dark': { width: 390, locale: 'en-US', colorScheme: 'dark' },
  'phone-zh-light': { width: 390, locale: 'zh-CN', colorScheme: 'light' },
}

/** The scenes that the documentation keeps, each in one look; IMAGEFLEET_SHOTS_ALL takes every scene in every look. */
const KEPT: [string, keyof typeof LOOKS][] = [
  ['login', 'wide-en-light'],
  ['by-server', 'wide-en-light'],
  ['by-server', 'phone-zh-light'],
  ['by-image', 'wide-zh-dark'],
  ['list-selected', 'wide-en-light'],
  ['list', 'phone-en-dark'],
  ['pull-dialog', 'wide-en-light'],
  ['pull-dialog', 'phone-zh-light'],
  ['pull-toast', 'wide-zh-dark'],
  ['pull-drawer', 'wide-en-light'],
  ['pull-failed', 'wide-zh-dark'],
  ['delete', 'phone-zh-light'],
  ['copy', 'wide-en-light'],
  ['export', 'phone-en-dark'],
  ['exports', 'wide-zh-dark'],
  ['import-inside', 'wide-en-light'],
  ['container-environment', 'wide-zh-dark'],
  ['container-preview', 'wide-en-light'],
  ['containers', 'wide-en-light'],
  ['logs', 'wide-zh-dark'],
  ['load', 'phone-en-dark'],
  ['software', 'wide-zh-dark'],
  ['users', 'wide-en-light'],
  ['audit', 'wide-zh-dark'],
  ['rights-asked', 'phone-zh-light'],
]

const target = process.env.IMAGEFLEET_SHOTS ?? 'test-results/screenshots'
const all = process.env.IMAGEFLEET_SHOTS_ALL
const wanted: [string, string][] = all ? Object.keys(SCENES).filter((name) => all === '1' || all.split(',').includes(name)).flatMap((name) => Object.keys(LOOKS).map((look): [string, string] => [name, look])) : KEPT

let fleet: Fleet

test.describe.configure({ mode: 'default' })

test.beforeAll(async ({ playwright }, info) => {
  test.setTimeout(180_000)
  const request = await playwright.request.newContext({ baseURL: info.project.use.baseURL })
  await request.post('/api/v1/session', { data: { username: USERNAME, password: PASSWORD } })
  fleet = new Fleet(request)
  await fleet.make()
})

for (const [name, look] of wanted) {
  test(`${name}, ${look}`, async ({ browser }, info) => {
    const scene = SCENES[name]!
    const { width, locale, colorScheme } = LOOKS[look]!
    const context = await browser.newContext({ baseURL: info.project.use.baseURL, viewport: { width, height: width === 390 ? 844 : 900 }, locale, colorScheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    if (!scene.stranger) await page.request.post('/api/v1/session', { data: { username: USERNAME, password: PASSWORD } })
    try {
      await scene.go(page, fleet)
      await page.waitForTimeout(400)
      await page.screenshot({ path: join(target, `${name}-${look}.png`) })
    } finally {
      await scene.after?.(page, fleet)
      await context.close()
    }
  })
}
