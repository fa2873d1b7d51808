import { expect, test } from './support'

/** Nobody's port: what is said to be there does not answer. */
const NOWHERE = { host: '127.0.0.1', port: '9' }

test('Enter submits a form as its button does, and says what is lacking', async ({ inside }) => {
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  const dialog = inside.getByTestId('pull-dialog')
  await expect(inside.getByTestId('pull-reference'), 'what is typed first has the focus').toBeFocused()
  await inside.keyboard.press('Enter')
  await expect(dialog.getByText('Give a name.')).toBeVisible()
  await expect(dialog.getByText('Choose at least one server.')).toBeVisible()

  await inside.getByTestId('pull-reference').fill('x'.repeat(300))
  await expect(dialog.getByText('at most 255 characters')).toBeVisible()

  await inside.getByTestId('pull-reference').fill('e2e/none')
  await dialog.locator('[data-testid^=pick-server-]:not(.is-disabled)').first().click()
  const asked: string[] = []
  await inside.route('**/api/v1/images/pull', async (route) => {
    asked.push(String(route.request().postDataJSON().reference))
    await route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 'Unprocessable', status: 422, code: 'invalid_input', detail: 'platform: is wrong', errors: [{ field: 'platform', message: 'is wrong' }] },
    })
  })
  // Enter in the search for servers, and in the list of a select, is not the form's.
  await dialog.getByTestId('picker-search').press('Enter')
  await dialog.getByTestId('pull-platform').click()
  await inside.keyboard.type('linux/arm64')
  await inside.keyboard.press('Enter')
  expect(asked).toEqual([])
  await inside.getByTestId('pull-reference').press('Enter')
  await expect(dialog.getByText('Is wrong.')).toBeVisible()
  expect(asked).toEqual(['e2e/none:latest'])
})

test('a click beside a form leaves it as it is', async ({ inside }) => {
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  await inside.getByTestId('server-name').fill('half typed')
  await inside.mouse.click(4, 300)
  await expect(inside.getByTestId('server-name')).toHaveValue('half typed')
})

test('Enter in several lines of text is a new line', async ({ inside }) => {
  await inside.goto('/servers')
  await inside.getByTestId('add-server').click()
  const text = inside.getByTestId('server-dialog').locator('textarea').last()
  await text.fill('one')
  await text.press('Enter')
  await expect(text).toHaveValue('one\n')
  await expect(inside.getByText('Give the server a name.')).toBeHidden()
})

test('a test of a server marks all that is lacking; what the server refused goes when it is changed', async ({ inside, api }) => {
  const name = `e2e-form-${Date.now()}`
  const { id } = await api.post<{ id: number }>('/servers', { name, endpoint: `tcp://${NOWHERE.host}:${NOWHERE.port}` })
  try {
    await inside.goto('/servers')
    await inside.getByTestId('add-server').click()
    const dialog = inside.getByTestId('server-dialog')
    await inside.getByTestId('test-way').click()
    await expect(dialog.getByText('Give the server a name.')).toBeVisible()
    await expect(dialog.getByText('Give a host name or an address.')).toBeVisible()

    await inside.getByTestId('server-name').fill(name)
    await inside.getByTestId('server-host').fill(NOWHERE.host)
    await inside.getByTestId('server-port').fill(NOWHERE.port)
    await inside.getByTestId('server-port').press('Enter')
    await expect(dialog.getByText('taken already')).toBeVisible()
    await inside.getByTestId('server-name').fill(`${name}-b`)
    await expect(dialog.getByText('taken already')).toBeHidden()

    await inside.getByTestId('way-tcps').click()
    await inside.getByTestId('tls-ca').fill('no certificate')
    await inside.getByTestId('test-way').click()
    await expect(dialog.getByText('no PEM certificate')).toBeVisible()
    await inside.getByTestId('way-unix').click()
    await expect(dialog.getByText('no PEM certificate')).toBeHidden()
    await expect(dialog.getByTestId('error-note')).toBeHidden()
  } finally {
    await api.remove(`/servers/${id}`)
  }
})

test('the answer to a test holds until something else is typed, also of a server that is known', async ({ inside, api }) => {
  const name = `e2e-form-${Date.now()}`
  const { id } = await api.post<{ id: number }>('/servers', { name, endpoint: `tcp://${NOWHERE.host}:${NOWHERE.port}` })
  try {
    await inside.goto('/servers')
    await inside.getByTestId(`server-${id}`).getByTestId('edit-server').click()
    const dialog = inside.getByTestId('server-dialog')
    await inside.getByTestId('test-way').click()
    await expect(dialog.getByTestId('error-note')).toBeVisible()
    await inside.getByTestId('server-host').fill('127.0.0.2')
    await expect(dialog.getByTestId('error-note')).toBeHidden()
    await inside.getByTestId('test-way').click()
    await expect(dialog.getByTestId('error-note'), 'what is typed is tested, not what is stored').toContainText('127.0.0.2')
  } finally {
    await api.remove(`/servers/${id}`)
  }
})

test('the error of a long name stands above what follows it, on a small screen too', async ({ inside }) => {
  await inside.setViewportSize({ width: 390, height: 844 })
  await inside.goto('/images/by-server')
  await inside.getByTestId('open-pull').click()
  await inside.getByTestId('pull-reference').fill('Not//one')
  const dialog = inside.getByTestId('pull-dialog')
  const error = await dialog.getByText('A name has lower-case letters').boundingBox()
  const next = await dialog.getByText('Target servers', { exact: true }).boundingBox()
  expect(error!.y + error!.height).toBeLessThanOrEqual(next!.y)
})

test('the wrong password is told at its field, in Chinese too', async ({ inside }) => {
  await inside.goto('/account')
  await inside.getByTestId('locale-switch').click()
  await inside.getByTestId('password-current').fill('certainly wrong')
  await inside.getByTestId('password-new').fill('another long password')
  await inside.getByTestId('password-again').fill('another long password')
  await inside.getByTestId('password-again').press('Enter')
  await expect(inside.getByText('不正确。')).toBeVisible()
  await expect(inside.getByText('currentPassword')).toHaveCount(0)
  await inside.getByTestId('password-current').fill('something else')
  await expect(inside.getByText('不正确。')).toBeHidden()
})

test('what was typed for a container that could not be created comes back to be mended', async ({ inside, api }) => {
  const image = await api.present()
  test.skip(!image, 'no server that answers holds an image')
  const name = `e2e-draft-${Date.now()}`
  try {
    await inside.goto(`/images/list?image=${image!.id}`)
    await inside.getByTestId('image-run').click()
    await expect(inside.getByTestId('container-name')).not.toHaveValue('')
    await inside.getByTestId('container-name').fill(name)
    await inside.getByTestId('container-tab-advanced').click()
    await inside.getByTestId('container-entrypoint').fill('/no/such/program')
    const begun = inside.waitForResponse((response) => response.request().method() === 'POST' && response.url().includes('/containers'))
    await inside.getByTestId('container-entrypoint').press('Enter')
    const { id } = (await (await begun).json()) as { id: string }
    await api.ended(id)
    await inside.keyboard.press('Escape')
    await inside.getByTestId('operations-button').click()
    await inside.getByTestId('operations-drawer').getByTestId(`operation-${id}`).getByTestId('operation-edit').click()
    await expect(inside.getByTestId('container-name')).toHaveValue(name)
    await inside.getByTestId('container-tab-advanced').click()
    await expect(inside.getByTestId('container-entrypoint')).toHaveValue('/no/such/program')
  } finally {
    const { items } = await api.get<{ items: { id: number }[] }>(`/containers?q=${name}`)
    for (const container of items) await api.remove(`/containers/${container.id}?force=true&volumes=true`)
  }
})
