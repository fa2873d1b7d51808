import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test, type ImageSeen, type OperationSeen } from './support'

interface ExportSeen {
  id: string
  fileName: string
  sha256: string
  operationId: string
}

/** A tagged image that a server which answers holds. */
async function exportable(api: { online(): Promise<{ id: number }[]>; images(query: string): Promise<ImageSeen[]> }): Promise<ImageSeen | undefined> {
  const online = new Set((await api.online()).map((server) => server.id))
  return (await api.images('status=AVAILABLE')).find((image) => image.tag !== null && online.has(image.serverId))
}

test('an image is exported, downloaded whole, and imported again on another server', async ({ inside, api }) => {
  await api.sync()
  const image = await exportable(api)
  test.skip(!image, 'no image to export')

  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-export').click()
  await inside.getByTestId('compression-gzip').click()
  const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/export'))
  await inside.getByTestId('export-submit').click()
  const operation = (await (await begun).json()) as OperationSeen
  expect((await api.ended(operation.id)).status).toBe('succeeded')

  const { items } = await api.get<{ items: ExportSeen[] }>('/exports?size=200')
  const made = items.find((entry) => entry.operationId === operation.id)
  expect(made, 'the operation left an export').toBeDefined()
  await inside.goto('/exports')
  const row = inside.getByTestId(`export-${made!.id}`)
  await expect(row).toContainText(image!.fullName)
  const waiting = inside.waitForEvent('download')
  await row.getByTestId('export-download').click()
  const download = await waiting
  expect(download.suggestedFilename()).toBe(made!.fileName)
  const path = test.info().outputPath(made!.fileName)
  await download.saveAs(path)
  expect(createHash('sha256').update(await readFile(path)).digest('hex')).toBe(made!.sha256.replace(/^sha256:/, ''))

  const target = (await api.online()).find((server) => server.id !== image!.serverId) ?? (await api.online())[0]
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-import').click()
  await inside.getByTestId(`pick-server-${target!.id}`).click()
  await inside.getByTestId('import-next').click()
  await expect(inside.getByTestId('import-next')).toBeDisabled()
  await inside.getByTestId('file-input').setInputFiles(path)
  await expect(inside.getByTestId('import-file')).toHaveAttribute('data-state', 'ready')
  await inside.getByTestId('import-next').click()
  await expect(inside.getByTestId('archive-contents')).toContainText(image!.tag!)
  await inside.getByTestId('import-force').click()
  const imported = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/import'))
  await inside.getByTestId('import-submit').click()
  const importing = (await (await imported).json()) as OperationSeen
  expect((await api.ended(importing.id)).status).toBe('succeeded')
  const held = await api.images(`serverId=${target!.id}&status=AVAILABLE`)
  expect(held.map((candidate) => candidate.fullName)).toContain(image!.fullName)

  await inside.goto('/exports')
  await inside.getByTestId(`export-${made!.id}`).getByTestId('export-delete').click()
  await inside.getByTestId('confirm').filter({ visible: true }).click()
  await expect(inside.getByTestId(`export-${made!.id}`)).toHaveCount(0)
})

test('what is no archive is refused before anything is loaded', async ({ inside, api }) => {
  const [server] = await api.online()
  test.skip(!server, 'no server answers')
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-import').click()
  await inside.getByTestId(`pick-server-${server!.id}`).click()
  await inside.getByTestId('import-next').click()
  await inside.getByTestId('file-input').setInputFiles({ name: 'notes.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') })
  await expect(inside.getByRole('alert')).toContainText('notes.zip')
  await inside.getByTestId('file-input').setInputFiles({ name: 'broken.tar', mimeType: 'application/x-tar', buffer: Buffer.from('this is no tar at all') })
  await expect(inside.getByTestId('import-file')).toHaveAttribute('data-state', 'failed')
  await expect(inside.getByTestId('import-file').getByTestId('error-note')).toContainText(/not_an_archive|archive_truncated/)
  await expect(inside.getByTestId('import-file').getByRole('button', { name: 'Resume' }), 'sending it again helps nothing').toBeHidden()
  await expect(inside.getByTestId('import-left-out')).toContainText('left out')
  await expect(inside.getByTestId('import-next')).toBeDisabled()
})

test('a copy tells what it will send, and what it sent', async ({ inside, api }) => {
  const servers = await api.online()
  const image = await exportable(api)
  test.skip(!image || servers.length < 2, 'a copy needs an image and two servers')
  const target = servers.find((server) => server.id !== image!.serverId)!
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-copy').click()
  await inside.getByTestId('copy-dialog').getByTestId(`pick-server-${target.id}`).click()
  await expect(inside.getByTestId('copy-preview')).toContainText('sends')
  // A tag that names something else there is taken over on request alone.
  if (await inside.getByTestId('copy-replace').isVisible()) await inside.getByTestId('copy-replace').click()
  const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/copy'))
  await inside.getByTestId('copy-submit').click()
  const operation = (await (await begun).json()) as OperationSeen
  expect((await api.ended(operation.id)).status).toBe('succeeded')
  await expect(inside.getByTestId('copy-dialog')).toBeHidden()
  await inside.keyboard.press('Escape')
  await expect(inside.getByTestId('image-drawer')).toBeHidden()
  await inside.getByTestId('operations-button').click()
  const card = inside.getByTestId('operations-drawer').getByTestId(`operation-${operation.id}`)
  await expect(card).toHaveAttribute('data-status', 'succeeded')
  if ((await card.getByTestId('copy-saving').count()) === 0) await card.locator('header button').first().click()
  await expect(card.getByTestId('copy-saving')).toContainText('Sent')
})
