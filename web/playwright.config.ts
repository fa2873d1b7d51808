import { defineConfig } from '@playwright/test'

/** The running program; the tests bring none of their own. */
const baseURL = process.env.IMAGEFLEET_E2E_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  // Pictures for the documentation are taken on request alone.
  testDir: process.env.IMAGEFLEET_SHOTS ? './e2e/screenshots' : './e2e',
  testIgnore: process.env.IMAGEFLEET_SHOTS ? [] : ['screenshots/**'],
  globalSetup: process.env.IMAGEFLEET_SHOTS ? undefined : './e2e/setup.ts',
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // They share one inventory: what one pulls, another may delete.
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  outputDir: './test-results',
  use: {
    baseURL,
    locale: 'en-US',
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.IMAGEFLEET_E2E_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})
