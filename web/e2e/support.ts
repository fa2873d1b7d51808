import { expect, test as base, type APIRequestContext, type Page } from '@playwright/test'

export const USERNAME = 'admin'
export const PASSWORD = process.env.IMAGEFLEET_E2E_PASSWORD ?? process.env.IMAGEFLEET_ADMIN_PASSWORD ?? ''

interface Paged<T> {
  items: T[]
  total: number
}

export interface ServerSeen {
  id: number
  name: string
  status: string
}

export interface ImageSeen {
  id: number
  serverId: number
  fullName: string
  repository: string
  tag: string | null
  status: string
  usedBy: string[]
}

export interface OperationSeen {
  id: string
  kind: string
  status: string
  progress: number
  steps: { serverId: number; status: string }[]
}

/** The native API with the page's own session. */
export class Api {
  constructor(private readonly request: APIRequestContext) {}

  async get<T>(path: string): Promise<T> {
    const response = await this.request.get(`/api/v1${path}`)
    expect(response.status(), `GET ${path}`).toBe(200)
    return (await response.json()) as T
  }

  async post<T>(path: string, data: unknown): Promise<T> {
    const response = await this.request.post(`/api/v1${path}`, { data })
    expect(response.ok(), `POST ${path}: ${response.status()} ${await response.text()}`).toBe(true)
    return (await response.json()) as T
  }

  async remove(path: string): Promise<void> {
    const response = await this.request.delete(`/api/v1${path}`)
    expect(response.ok(), `DELETE ${path}: ${response.status()}`).toBe(true)
  }

  async online(): Promise<ServerSeen[]> {
    const { items } = await this.get<Paged<ServerSeen>>('/servers?size=200&status=online')
    return items
  }

  async images(query = ''): Promise<ImageSeen[]> {
    return (await this.get<Paged<ImageSeen>>(`/images?size=200&${query}`)).items
  }

  /** An image with a name on a server that answers. */
  async present(query = ''): Promise<ImageSeen | undefined> {
    const online = new Set((await this.online()).map((server) => server.id))
    return (await this.images(`status=AVAILABLE&${query}`)).find((image) => image.tag !== null && online.has(image.serverId))
  }

  /** Waits until an operation has ended, and tells how. */
  async ended(id: string): Promise<OperationSeen> {
    let seen: OperationSeen | undefined
    await expect
      .poll(
        async () => {
          seen = await this.get<OperationSeen>(`/operations/${id}`)
          return seen.status
        },
        { timeout: 60_000, message: `operation ${id} ends` },
      )
      .not.toMatch(/queued|running/)
    return seen as OperationSeen
  }

  /** Looks at all servers, so that the inventory is what the engines hold. */
  async sync(): Promise<void> {
    const operation = await this.post<OperationSeen>('/images/sync', {})
    await this.ended(operation.id)
  }
}

/** What the browser complains about; a page that is right is silent. */
function watch(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    // The browser reports every answer of 4xx as an error; those are part of the tests.
    if (/Failed to load resource/.test(message.text())) return
    complaints.push(`${message.type()}: ${message.text()}`)
  })
  return complaints
}

interface Fixtures {
  complaints: string[]
  api: Api
  /** A page with a session. */
  inside: Page
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ page }, use) => {
      const complaints = watch(page)
      await use(complaints)
      expect(complaints, 'the browser has nothing to complain about').toEqual([])
    },
    { auto: true },
  ],
  api: async ({ inside }, use) => {
    await use(new Api(inside.request))
  },
  inside: async ({ page }, use) => {
    const response = await page.request.post('/api/v1/session', { data: { username: USERNAME, password: PASSWORD } })
    expect(response.status(), 'log in; is IMAGEFLEET_ADMIN_PASSWORD set?').toBe(200)
    await use(page)
  },
})

export { expect }

/** Where references come from that anybody may pull: the lab's open registry, or any on this machine. */
const LOCAL = process.env.IMAGEFLEET_LAB_REGISTRY ? [`${process.env.IMAGEFLEET_LAB_REGISTRY}/`] : ['127.0.0.1:', 'localhost:']

/** A reference that the servers can pull; by default one that a server has from such a registry. */
export function pullable(images: { fullName: string; tag: string | null }[]): string | undefined {
  const local = images.find((image) => image.tag !== null && LOCAL.some((start) => image.fullName.startsWith(start)))
  return process.env.IMAGEFLEET_E2E_IMAGE ?? local?.fullName
}

/** The repository of a reference with a tag. */
export const withoutTag = (reference: string) => reference.replace(/:[^:/]*$/, '')

/** Begins a pull by the page's own form, so that the page shows its toast. */
export async function pullByForm(page: Page, reference: string, serverId: number): Promise<OperationSeen> {
  await page.getByTestId('open-pull').click()
  await page.getByTestId('pull-reference').fill(reference)
  await page.getByTestId(`pick-server-${serverId}`).click()
  const answer = page.waitForResponse((response) => response.url().endsWith('/api/v1/images/pull'))
  await page.getByTestId('pull-submit').click()
  const operation = (await (await answer).json()) as OperationSeen
  await expect(page.getByTestId('pull-dialog')).toBeHidden()
  return operation
}

/** Fills in the open form of a server at a way where nobody answers: the discard port. */
export async function fillServer(page: Page, name: string): Promise<void> {
  await page.getByTestId('server-name').fill(name)
  await page.getByTestId('way-tcp').click()
  await page.getByTestId('server-host').fill('127.0.0.1')
  await page.getByTestId('server-port').fill('9')
}

/** Nothing may be wider than the window. */
export async function expectNoSideScroll(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(over, 'no horizontal scrolling').toBeLessThanOrEqual(0)
}
