import { expect, pullable, test, withoutTag, type Api, type ImageSeen, type OperationSeen } from './support'

/** Rows of pulls that failed: there is nothing behind them, so that they may be deleted. */
async function failedRows(api: Api, count: number, mark: string): Promise<ImageSeen[]> {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  for (let at = 0; at < count; at += 1) {
    const operation = await api.post<OperationSeen>('/images/pull', { reference: `${withoutTag(reference!)}:${mark}-${at}`, serverIds: [server!.id] })
    expect((await api.ended(operation.id)).status).toBe('failed')
  }
  const rows = await api.images(`q=${mark}`)
  expect(rows).toHaveLength(count)
  return rows
}

test('what is deleted leaves the selection, whoever deletes it', async ({ inside, api }) => {
  const mark = `gone-${Date.now()}`
  const rows = await failedRows(api, 3, mark)
  await inside.goto(`/images/list?q=${mark}`)
  await inside.getByTestId('select-all').click()
  const bar = inside.getByTestId('selection-bar')
  await expect(bar).toContainText('3 images selected')

  const other = await api.post<OperationSeen>('/images/delete', { imageIds: [rows[0]!.id], force: false })
  expect((await api.ended(other.id)).status).toBe('succeeded')
  await inside.getByTestId('delete-selection').click()
  const dialog = inside.getByTestId('delete-dialog')
  await expect(dialog.getByRole('listitem'), 'the dialog lists what is there').toHaveCount(2)

  const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/delete'))
  await inside.getByTestId('delete-submit').click()
  const operation = (await (await begun).json()) as OperationSeen
  expect((await api.ended(operation.id)).status).toBe('succeeded')
  await expect(bar).toHaveCount(0)
})

test('a failed pull by digest keeps its name, and its drawer closes when it is deleted', async ({ inside, api }) => {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  const digest = Date.now().toString(16).padStart(64, 'ab')
  const byDigest = `${withoutTag(reference!)}@sha256:${digest}`
  const pull = await api.post<OperationSeen>('/images/pull', { reference: byDigest, serverIds: [server!.id] })
  expect((await api.ended(pull.id)).status).toBe('failed')
  const image = (await api.images('status=error')).find((candidate) => candidate.fullName === byDigest)
  expect(image).toBeDefined()

  await inside.goto(`/images/list?status=error&image=${image!.id}`)
  await expect(inside.getByTestId(`row-${image!.id}`)).toContainText(`@${digest.slice(0, 12)}`)
  const drawer = inside.getByTestId('image-drawer')
  await expect(drawer.getByRole('button', { name: 'Pull again' })).toBeEnabled()
  for (const id of ['image-run', 'image-export', 'image-copy', 'image-tag', 'image-push']) await expect(drawer.getByTestId(id), id).toBeDisabled()
  await drawer.getByTestId('image-delete').click()
  await inside.getByTestId('delete-submit').click()
  await expect(drawer).toBeHidden()
  await expect(inside).not.toHaveURL(/image=/)
})
