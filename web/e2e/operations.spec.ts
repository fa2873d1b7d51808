import { expect, pullable, test, withoutTag, type OperationSeen } from './support'

test('a pull to every server shows its progress and its end', async ({ inside, api }) => {
  await api.sync()
  const servers = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || servers.length === 0, 'nothing to pull, or nowhere')

  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  await inside.getByTestId('pull-reference').fill(reference!)
  await inside.getByTestId('picker-all').click()
  const answer = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/pull'))
  await inside.getByTestId('pull-submit').click()
  const response = await answer
  expect(response.status()).toBe(202)
  const operation = (await response.json()) as OperationSeen
  expect(response.headers().location).toBe(`/api/v1/operations/${operation.id}`)

  const toast = inside.getByTestId(`toast-${operation.id}`)
  await expect(toast).toBeVisible()
  await expect(toast).toHaveAttribute('data-status', 'succeeded', { timeout: 60_000 })
  const ended = await api.ended(operation.id)
  expect(ended.steps.map((step) => step.status)).toEqual(servers.map(() => 'succeeded'))
})

test('a pull that cannot succeed tells why and what to check, and can be retried', async ({ inside, api }) => {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  const operation = await api.post<OperationSeen>('/images/pull', { reference: `${withoutTag(reference!)}:no-such-tag`, serverIds: [server!.id] })
  await inside.goto('/images/list')
  expect((await api.ended(operation.id)).status).toBe('failed')
  await inside.goto('/operations?status=failed')
  const card = inside.getByTestId(`operation-${operation.id}`)
  await expect(card).toBeVisible()
  await card.getByRole('button', { name: /no-such-tag/ }).click()
  await expect(card.getByTestId('error-note').first()).toContainText('manifest_unknown')
  await expect(card.getByTestId('error-hint').first()).not.toBeEmpty()
  await card.getByTestId('operation-retry').click()
  await expect.poll(async () => (await api.ended(operation.id)).status).toBe('failed')

  await inside.goto('/images/list?status=error')
  await expect(inside.getByTestId('image-table')).toContainText('no-such-tag')
})

test('the page of operations shows what begins elsewhere, and what is retried at once', async ({ inside, api }) => {
  const [server] = await api.online()
  const reference = pullable(await api.images('status=AVAILABLE'))
  test.skip(!reference || !server, 'no registry that answers')
  await inside.goto('/operations')
  await expect(inside.getByTestId('operation-list').or(inside.getByTestId('empty-note'))).toBeVisible()
  const { id } = await api.post<OperationSeen>('/images/pull', { reference: `${withoutTag(reference!)}:no-such-tag`, serverIds: [server!.id] })
  const card = inside.getByTestId('operation-list').getByTestId(`operation-${id}`)
  await expect(card).toHaveAttribute('data-status', 'failed')

  // A retry that stays in the queue.
  const failed = await api.get<OperationSeen>(`/operations/${id}`)
  await inside.route(`**/api/v1/operations/${id}/retry`, (route) =>
    route.fulfill({ status: 202, json: { ...failed, status: 'queued', progress: 0, steps: failed.steps.map((step) => ({ ...step, status: 'queued', error: null })) } }),
  )
  await card.getByTestId('operation-retry').click()
  await expect(card).toHaveAttribute('data-status', 'queued')
  await expect(card.getByTestId('operation-cancel')).toBeVisible()
  await expect(card.getByTestId('operation-retry')).toBeHidden()
})

test('a wrong reference is refused before anything is sent', async ({ inside }) => {
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  await inside.getByTestId('picker-all').click()
  await inside.getByTestId('pull-reference').fill('Nginx')
  await expect(inside.getByText('lower-case')).toBeVisible()
  let sent = 0
  inside.on('request', (request) => (sent += Number(request.url().endsWith('/api/v1/images/pull'))))
  await inside.getByTestId('pull-submit').click()
  await expect(inside.getByTestId('pull-dialog')).toBeVisible()
  expect(sent).toBe(0)
})

test('a sync of all servers runs in the drawer and stays in the history', async ({ inside }) => {
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-sync').click()
  const answer = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/sync'))
  await inside.getByTestId('sync-submit').click()
  const operation = (await (await answer).json()) as OperationSeen
  await inside.getByTestId('operations-button').click()
  const card = inside.getByTestId('operations-drawer').getByTestId(`operation-${operation.id}`)
  await expect(card).toHaveAttribute('data-status', /succeeded|failed/, { timeout: 60_000 })
  await inside.goto('/operations?kind=sync_images')
  await expect(inside.getByTestId(`operation-${operation.id}`)).toBeVisible()
})

test('deleting shows who uses the image first', async ({ inside, api }) => {
  await api.sync()
  const image = (await api.images('status=AVAILABLE')).find((candidate) => candidate.usedBy.length > 0)
  test.skip(!image, 'no image is in use')
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-delete').click()
  await expect(inside.getByTestId('delete-users').first()).toContainText(image!.usedBy[0]!)
  await expect(inside.getByTestId('delete-force')).toBeVisible()
})

test('deleting tells what force does to an image that a running container uses', async ({ inside, api }) => {
  await api.sync()
  const online = new Set((await api.online()).map((server) => server.id))
  const named = (await api.images('status=AVAILABLE&q=nginx')).filter((image) => image.tag !== null && online.has(image.serverId))
  const details = await Promise.all(named.map((image) => api.get<{ id: number; engine: { repoTags: string[] } | null }>(`/images/${image.id}`)))
  const image = details.find(({ engine }) => engine?.repoTags.length === 1)
  test.skip(!image, 'no image with one name that can run')
  const name = `e2e-force-${Date.now()}`
  const begun = await api.post<OperationSeen>(`/images/${image!.id}/containers`, { name, start: true, command: ['sleep', '600'] })
  expect((await api.ended(begun.id)).status).toBe('succeeded')
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-delete').click()
  const warning = inside.getByTestId('delete-warning')
  await expect(warning).toContainText('the engine refuses')
  await inside.getByTestId('delete-force').click()
  await expect(warning).toContainText('the content stays untagged')

  const { items } = await api.get<{ items: { id: number }[] }>(`/containers?q=${name}`)
  for (const { id } of items) await api.remove(`/containers/${id}?force=true&volumes=true`)
})

test('an image gets one more name, and loses it again', async ({ inside, api }) => {
  await api.sync()
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  const reference = `e2e/gone:${Date.now()}`
  await inside.goto(`/images/list?image=${image!.id}`)
  await inside.getByTestId('image-tag').click()
  await inside.getByTestId('name-reference').fill(reference)
  await inside.getByTestId('name-submit').click()
  await expect(inside.getByTestId('name-dialog')).toBeHidden()
  await expect.poll(async () => (await api.images(`q=${encodeURIComponent(reference)}`)).length).toBe(1)

  await inside.goto(`/images/list?q=${encodeURIComponent(reference)}`)
  await inside.getByTestId('select-all').click()
  await inside.getByTestId('delete-selection').click()
  await expect(inside.getByTestId('delete-dialog')).toContainText(reference)
  const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/delete'))
  await inside.getByTestId('delete-submit').click()
  const operation = (await (await begun).json()) as OperationSeen
  expect((await api.ended(operation.id)).status).toBe('succeeded')
  await expect(inside.getByTestId('empty-note')).toBeVisible()
})
