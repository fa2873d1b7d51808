import { expect, test } from './support'

test.beforeEach(async ({ api }) => api.sync())

test('the three views show the same images, and the choice is remembered', async ({ inside, api }) => {
  const [image] = await api.images('status=AVAILABLE')
  test.skip(!image, 'no server holds an image')
  await inside.goto('/images/by-server')
  await expect(inside.getByTestId(`server-card-${image!.serverId}`)).toBeVisible()
  await inside.getByTestId('view-by-image').click()
  await expect(inside).toHaveURL(/\/images\/by-image/)
  await expect(inside.getByTestId(`group-${image!.fullName}`)).toBeVisible()
  await inside.getByTestId('view-list').click()
  await expect(inside.getByTestId('image-table')).toBeVisible()
  await inside.goto('/')
  await expect(inside).toHaveURL(/\/images\/list/)
})

test('search, status and server narrow on the server and stand in the URL', async ({ inside, api }) => {
  const image = (await api.images('status=AVAILABLE')).find((candidate) => candidate.tag !== null)
  test.skip(!image, 'no server holds a tagged image')
  await inside.goto('/images/list')
  await expect(inside.getByTestId('image-search')).toBeVisible()
  await inside.keyboard.press('/')
  await expect(inside.getByTestId('image-search')).toBeFocused()
  await inside.keyboard.type(image!.fullName)
  await expect(inside).toHaveURL(/[?&]q=/)
  const rows = inside.getByTestId('image-table').locator('tbody tr')
  await expect(rows.first()).toContainText(image!.tag!)
  const expected = (await api.images(`q=${encodeURIComponent(image!.fullName)}`)).length
  await expect(rows).toHaveCount(Math.min(expected, 50))

  await inside.getByTestId('filter-status-error').click()
  await expect(inside).toHaveURL(/status=error/)
  await inside.reload()
  await expect(inside.getByTestId('image-search')).toHaveValue(image!.fullName)
  await inside.goBack()
  await expect(inside).not.toHaveURL(/status=error/)
})

test('what is HTML or SQL in a search is only text', async ({ inside }) => {
  await inside.goto(`/images/list?q=${encodeURIComponent(`<img src=x onerror=alert(1)>' OR 1=1 --`)}`)
  await expect(inside.getByTestId('empty-note')).toBeVisible()
})

test('a page beyond the end says so', async ({ inside }) => {
  await inside.goto('/images/list?page=100000')
  await expect(inside.getByText('the list is shorter').or(inside.getByTestId('empty-note'))).toBeVisible()
})

test('the detail shows layers and who uses the image, by keyboard alone', async ({ inside, api }) => {
  const online = new Set((await api.online()).map((server) => server.id))
  const image = (await api.images('status=AVAILABLE')).find((candidate) => candidate.tag !== null && online.has(candidate.serverId))
  test.skip(!image, 'no server that answers holds an image')
  await inside.goto(`/images/list?serverId=${image!.serverId}&q=${encodeURIComponent(image!.fullName)}`)
  await expect(inside.getByTestId(`row-${image!.id}`)).toBeVisible()
  await inside.keyboard.press('j')
  await inside.keyboard.press('Enter')
  await expect(inside.getByTestId('image-drawer')).toBeVisible()
  await expect(inside).toHaveURL(/image=\d+/)
  await expect(inside.getByTestId('layers')).toBeVisible()
  await inside.keyboard.press('Escape')
  await expect(inside).not.toHaveURL(/image=\d+/)
})

test('keys lead everywhere', async ({ inside }) => {
  await inside.goto('/images/by-server')
  await expect(inside.getByTestId('open-pull')).toBeVisible()
  await inside.keyboard.press('?')
  await expect(inside.getByTestId('key-help')).toBeVisible()
  await inside.keyboard.press('Escape')
  await expect(inside.getByTestId('key-help')).toBeHidden()
  await inside.keyboard.press('g')
  await inside.keyboard.press('s')
  await expect(inside).toHaveURL(/\/servers/)
  await inside.keyboard.press('g')
  await inside.keyboard.press('i')
  await expect(inside).toHaveURL(/\/images\//)
  await inside.keyboard.press('2')
  await expect(inside).toHaveURL(/\/images\/by-image/)
  await inside.keyboard.press('p')
  await expect(inside.getByTestId('pull-dialog')).toBeVisible()
})
