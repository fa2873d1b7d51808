import { request, type FullConfig } from '@playwright/test'
import { PASSWORD, USERNAME } from './support'

/** Engines of the lab that the tests work on, when there is one: a classic store of an old engine, and a new one. */
const ENGINES: Record<string, string | undefined> = {
  'lab-older': process.env.IMAGEFLEET_LAB_DOCKER20,
  'lab-newer': process.env.IMAGEFLEET_LAB_DOCKER28,
}
const REGISTRY = process.env.IMAGEFLEET_LAB_REGISTRY
const SAMPLES = ['demo/web:1.1', 'demo/web:latest', 'library/nginx:1.27']
const LONGEST_MS = 60_000

/** Tells the program about the lab and gives its engines a few images; a program that has servers already is taken as it is. */
export default async function setup(config: FullConfig): Promise<void> {
  const baseURL = config.projects[0]?.use.baseURL
  const context = await request.newContext({ baseURL })
  const call = async (path: string, data: unknown) => {
    const response = await context.post(`/api/v1${path}`, { data })
    if (!response.ok()) throw new Error(`POST ${path}: ${response.status()} ${await response.text()}`)
    return (await response.json()) as { id: string }
  }
  const ended = async (id: string) => {
    for (const deadline = Date.now() + LONGEST_MS; ; ) {
      const { status } = (await (await context.get(`/api/v1/operations/${id}`)).json()) as { status: string }
      if (status === 'succeeded') return
      if (!['queued', 'running'].includes(status) || Date.now() > deadline) throw new Error(`the lab could not be made ready: operation ${id} is ${status}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  try {
    await call('/session', { username: USERNAME, password: PASSWORD })
    const known = (await (await context.get('/api/v1/servers')).json()) as { total: number }
    if (known.total > 0 || !REGISTRY) return

    await call('/registries', { name: 'lab', url: `http://${REGISTRY}`, plainHttp: true })
    const serverIds: string[] = []
    for (const [name, endpoint] of Object.entries(ENGINES)) if (endpoint) serverIds.push((await call('/servers', { name, endpoint })).id)
    const started = await Promise.all(SAMPLES.map((sample) => call('/images/pull', { reference: `${REGISTRY}/${sample}`, serverIds })))
    for (const { id } of started) await ended(id)
    // One image is in use, so that deleting has something to warn of.
    const used = (await (await context.get(`/api/v1/images?serverId=${serverIds[0]}&q=${SAMPLES[0]}`)).json()) as { items: { id: string }[] }
    await ended((await call(`/images/${used.items[0]?.id}/containers`, { name: `e2e-in-use-${Date.now()}`, start: false })).id)
  } finally {
    await context.dispose()
  }
}
