import { connect } from 'node:net'
import { expect, test, type Api, type OperationSeen } from './support'

/** The engine of the lab whose published ports answer, as the set-up names it. */
const BRIDGE = process.env.IMAGEFLEET_LAB_BRIDGE
const REGISTRY = process.env.IMAGEFLEET_LAB_REGISTRY
const SERVER = 'lab-older'

interface ContainerSeen {
  id: number
  name: string
  state: string
  imageId: number | null
  ports: { host: number | null; container: number }[]
}

/** What a port answers to `said` within a moment; tried again while nothing listens yet. */
async function answer(port: number, said: string): Promise<string> {
  const once = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(said))
      socket.setTimeout(5_000, () => socket.destroy(new Error('silence')))
      socket.once('data', (bytes) => {
        resolve(bytes.toString('latin1'))
        socket.destroy()
      })
      socket.once('error', reject)
      socket.once('end', () => reject(new Error('closed without a word')))
    })
  let heard = ''
  await expect(async () => void (heard = await once())).toPass({ timeout: 15_000 })
  return heard
}

async function forget(api: Api, name: string, reference: string): Promise<void> {
  const { items } = await api.get<{ items: ContainerSeen[] }>(`/containers?q=${name}`)
  for (const { id } of items) await api.remove(`/containers/${id}?force=true&volumes=true`)
  const images = (await api.images(`q=${encodeURIComponent(reference)}`)).filter((image) => image.fullName === reference)
  if (images.length) await api.ended((await api.post<OperationSeen>('/images/delete', { imageIds: images.map((image) => image.id), force: true })).id)
}

const SOFTWARE = [
  { name: 'nginx', tag: '1.27', port: 80, said: 'GET / HTTP/1.0\r\n\r\n', heard: /HTTP\/1.*200/ },
  { name: 'mysql', tag: '8.0', port: 3306, said: '', heard: /8\.0/, required: 'MYSQL_ROOT_PASSWORD' },
  { name: 'redis', tag: '7.2', port: 6379, said: 'PING\r\n', heard: /^\+PONG/ },
]

for (const software of SOFTWARE)
  test(`${software.name}: pulled, given its name, installed with the catalogue's form, and its port answers`, async ({ inside, api }) => {
    const server = (await api.online()).find((candidate) => candidate.name === SERVER)
    test.skip(!BRIDGE || !REGISTRY || !server, 'no engine with a bridge, or no registry')
    const reference = `${software.name}:${software.tag}`
    const name = `e2e-${software.name}-${Date.now()}`
    try {
      await inside.goto('/images/by-server')
      await inside.getByTestId('open-pull').click()
      await inside.getByTestId('pull-reference').fill(`${REGISTRY}/library/${software.name}`)
      await inside.getByTestId('pull-tag').fill(software.tag)
      await inside.getByTestId(`pick-server-${server!.id}`).click()
      const begun = inside.waitForResponse((response) => response.url().endsWith('/api/v1/images/pull'))
      await inside.getByTestId('pull-submit').click()
      expect((await api.ended(((await (await begun).json()) as OperationSeen).id)).status).toBe('succeeded')

      // The catalogue knows it by its own name, not by that of a mirror.
      const pulled = (await api.images(`serverId=${server!.id}&q=${encodeURIComponent(`${REGISTRY}/library/${reference}`)}`))[0]!
      await inside.goto(`/images/list?image=${pulled.id}`)
      await inside.getByTestId('image-tag').click()
      await inside.getByTestId('name-reference').fill(reference)
      await inside.getByTestId('name-submit').click()
      await expect(inside.getByTestId('name-dialog')).toBeHidden()
      const find = async () => (await api.images(`serverId=${server!.id}&q=${encodeURIComponent(reference)}`)).find((image) => image.fullName === reference)
      await expect.poll(find).toBeDefined()
      const image = (await find())!

      await inside.goto(`/images/list?image=${image.id}`)
      await inside.getByTestId('image-run').click()
      const dialog = inside.getByTestId('container-dialog')
      await expect(dialog.getByTestId('container-name')).not.toHaveValue('')
      await dialog.getByTestId('container-name').fill(name)
      await dialog.getByTestId('container-tab-ports').click()
      const ports = dialog.getByTestId('port-host')
      for (let row = 0; row < (await ports.count()); row += 1) await ports.nth(row).fill('')
      await expect(dialog.getByTestId('port-container').first()).toHaveValue(String(software.port))
      if (software.required) {
        await dialog.getByTestId('container-submit').click()
        await expect(dialog.getByTestId('container-tab-environment')).toHaveAttribute('aria-selected', 'true')
        await expect(dialog.getByRole('alert')).toContainText(software.required)
        await dialog.getByTestId('env-generate').first().click()
        await expect(dialog.getByRole('alert')).toHaveCount(0)
      }
      const asked = inside.waitForResponse((response) => /\/images\/\d+\/containers$/.test(response.url()))
      await dialog.getByTestId('container-submit').click()
      expect((await api.ended(((await (await asked).json()) as OperationSeen).id)).status).toBe('succeeded')

      const { items } = await api.get<{ items: ContainerSeen[] }>(`/containers?q=${name}`)
      const made = items[0]!
      const published = made.ports.find((port) => port.container === software.port)?.host
      expect(published, 'the engine chose a port').toBeTruthy()
      expect(await answer(published!, software.said)).toMatch(software.heard)

      await inside.goto(`/containers?q=${name}`)
      const row = inside.getByTestId(`container-${made.id}`)
      await expect(row).toHaveAttribute('data-state', 'running')
      await expect(row).toContainText(String(published))
      await row.getByRole('link').first().click()
      await expect(inside.getByTestId('image-drawer')).toContainText(name)
    } finally {
      await forget(api, name, reference)
    }
  })
