import { expect, type APIRequestContext, type Page } from '@playwright/test'

const LAB = (name: string) => process.env[`IMAGEFLEET_LAB_${name}`] ?? ''
export const REGISTRY = LAB('REGISTRY')
export const SLOW = LAB('REGISTRY_SLOW')

interface Named {
  id: number
  name: string
  fullName: string
}

/** A fleet worth a picture, on the engines of the lab: four that answer, one that does not, one that is disabled. */
export class Fleet {
  readonly servers: Record<string, number> = {}

  constructor(private readonly request: APIRequestContext) {}

  async call<T>(method: string, path: string, data?: unknown): Promise<T> {
    const response = await this.request.fetch(`/api/v1${path}`, { method, data })
    expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBe(true)
    return (response.status() === 204 ? undefined : await response.json()) as T
  }

  async list<T = Named>(path: string): Promise<T[]> {
    return (await this.call<{ items: T[] }>('GET', path)).items
  }

  /** Waits for the end of an operation, whatever it is. */
  async end(operation: { id: string }): Promise<void> {
    await expect.poll(async () => (await this.call<{ status: string }>('GET', `/operations/${operation.id}`)).status, { timeout: 60_000 }).not.toMatch(/queued|running/)
  }

  async run(path: string, body: unknown): Promise<void> {
    await this.end(await this.call('POST', path, body))
  }

  async image(server: string, fullName: string): Promise<number> {
    const found = (await this.list(`/images?size=200&serverId=${this.servers[server]}&q=${encodeURIComponent(fullName)}`)).find((image) => image.fullName === fullName)
    expect(found, `${fullName} on ${server}`).toBeDefined()
    return found!.id
  }

  /** Pulls from the lab's registry and gives the image the name that it would have anywhere else. */
  private async hold(server: string, sample: string, name: string): Promise<void> {
    const from = `${REGISTRY}/${sample}`
    await this.run('/images/pull', { reference: from, serverIds: [this.servers[server]] })
    const id = await this.image(server, from)
    await this.run(`/images/${id}/tag`, { reference: name, force: true })
    await this.run('/images/delete', { imageIds: [id] })
  }

  /** Gives a user a new password, and the page that user's session. */
  async become(page: Page, username: string): Promise<void> {
    const user = (await this.list<{ id: number; username: string }>('/users')).find((candidate) => candidate.username === username)
    const password = `shown-${crypto.randomUUID()}`
    await this.call('PATCH', `/users/${user!.id}`, { password, mustChangePassword: false })
    expect((await page.request.post('/api/v1/session', { data: { username, password } })).ok()).toBe(true)
  }

  async make(): Promise<void> {
    const known = new Map((await this.list('/servers?size=200')).map((server) => [server.name, server.id]))
    // After a picture that did not come about the rest goes on with the fleet that is there.
    if (known.has('old-07')) {
      for (const [name, id] of known) this.servers[name] = id
      return
    }
    const add = async (name: string, endpoint: string, tags: string[], more = {}) => {
      this.servers[name] = (await this.call<Named>('POST', '/servers', { name, endpoint, tags, ...more })).id
    }
    await add('web-01', LAB('DOCKER20'), ['prod', 'web'])
    await add('web-02', LAB('DOCKER28'), ['prod', 'web'])
    await add('db-01', LAB('CONTAINERD'), ['prod', 'db'])
    await add('edge-01', LAB('PODMAN'), ['edge'])
    if ((await this.list('/registries')).length === 0) {
      await this.call('POST', '/registries', { name: 'Lab registry', url: `http://${REGISTRY}`, plainHttp: true })
      const [host, username, password] = LAB('REGISTRY_AUTH').split(',')
      await this.call('POST', '/registries', { name: 'Private', url: `http://${host}`, username, password, namespace: 'team', plainHttp: true })
    }
    const held: [string, string[]][] = [
      ['web-01', ['library/nginx:1.27', 'library/redis:7.2', 'library/mysql:8.0', 'demo/web:1.1', 'demo/web:1.0=demo/web:latest', 'demo/api:2.3.1', 'tools/ticker:latest', 'team/builds:b1', 'team/builds:b2', 'team/builds:b3']],
      ['web-02', ['library/nginx:1.27', 'library/nginx:1.26', 'demo/web:1.1', 'demo/web:latest', 'demo/api:2.3.1', 'data/large:1.0']],
      ['db-01', ['library/mysql:8.0', 'library/redis:7.2', 'demo/web:latest']],
      ['edge-01', ['library/nginx:1.26', 'demo/web:1.1']],
    ]
    await Promise.all(
      held.map(async ([server, samples]) => {
        for (const sample of samples) {
          const [from, as] = sample.split('=')
          const name = (as ?? sample).replace('library/', '')
          // Podman says docker.io in front of short names; its images keep the registry's.
          if (server === 'edge-01') await this.run('/images/pull', { reference: `${REGISTRY}/${from}`, serverIds: [this.servers[server]] })
          else await this.hold(server, from!, name)
        }
      }),
    )
    const start = async (server: string, image: string, spec: Record<string, unknown>) => this.run(`/images/${await this.image(server, image)}/containers`, { start: true, ...spec })
    await start('web-01', 'nginx:1.27', { name: 'shop-front', ports: [{ container: 80 }], restartPolicy: { name: 'unless-stopped' } })
    await start('web-01', 'redis:7.2', { name: 'sessions', ports: [{ container: 6379 }], volumes: [{ source: 'sessions', target: '/data' }] })
    await start('web-01', 'tools/ticker:latest', { name: 'ticker' })
    await start('web-01', 'mysql:8.0', { name: 'orders-db', env: { MYSQL_ROOT_PASSWORD: 'not-shown', MYSQL_DATABASE: 'orders' }, networkMode: 'none' })
    await start('web-01', 'demo/web:1.1', { name: 'staging', start: false })
    await add('db-02', LAB('NOTHING'), ['db'])
    await add('old-07', 'tcp://10.20.0.7:2375', ['edge'], { description: 'to be replaced' })
    await this.call('PATCH', `/servers/${this.servers['old-07']}`, { enabled: false })
    for (const [username, grants] of [
      ['mei', [{ role: 'operator', servers: { tags: ['web'] }, repositories: ['*'] }]],
      ['jonas', [{ role: 'viewer', servers: { all: true }, repositories: ['*'] }, { role: 'operator', servers: { ids: [this.servers['edge-01']] }, repositories: ['demo/*', 'team/*'] }]],
    ] as const)
      if (!(await this.list<{ username: string }>('/users')).some((user) => user.username === username))
        await this.call('POST', '/users', { username, password: `first-${crypto.randomUUID()}`, grants })
    await this.run('/images/pull', { reference: `${REGISTRY}/demo/web:9.9`, serverIds: [this.servers['web-01'], this.servers['web-02']] })
    await this.run('/images/export', { imageIds: [await this.image('web-01', 'nginx:1.27'), await this.image('web-01', 'redis:7.2')], compression: 'zstd' })
    await this.run('/images/export', { serverId: this.servers['db-01'] })
  }
}
