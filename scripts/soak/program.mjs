// The program as a process: its start, its sudden end, its interface, and what it takes of the machine.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, readdirSync } from 'node:fs'
import { until } from './random.mjs'
import { tally } from './tally.mjs'

const PASSWORD = 'fault-suite-1'
const BLAME = 'no answer blames the program (5xx)'

export class Program {
  name = 'imagefleet'
  token = ''
  starts = 0

  constructor(binary, data, port, database) {
    Object.assign(this, { binary, data, database, address: `http://127.0.0.1:${port}` })
  }

  /** Starts it, and waits until it can serve; with a database that is away it may end, and is started again. */
  async revive() {
    const ready = await until(60_000, async () => {
      if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) this.#spawn()
      return this.isReady()
    })
    tally.hold('the program starts again within a minute', ready, () => readFileSync(`${this.data}.log`, 'utf8').slice(-4_000))
  }

  isReady() {
    return fetch(`${this.address}/readyz`).then((answer) => answer.ok, () => false)
  }

  #spawn() {
    this.starts += 1
    const log = openSync(`${this.data}.log`, 'a')
    const given = ['serve', '--listen', this.address.slice('http://'.length), '--data-dir', this.data]
    if (this.database) given.push('--database-url', this.database)
    const env = { ...process.env, IMAGEFLEET_ADMIN_PASSWORD: PASSWORD, RUST_LOG: process.env.RUST_LOG ?? 'info' }
    this.child = spawn(this.binary, given, { stdio: ['ignore', log, log], env })
  }

  async kill() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }

  async getToken() {
    const login = await this.call('POST', '/session', { username: 'admin', password: PASSWORD })
    const cookie = login.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
    const made = await this.call('POST', '/tokens', { name: 'soak' }, { cookie })
    this.token = made.body.token
  }

  /** Asks; status 0 when there was no answer. An engine or a database that is away is not the program's fault. */
  async call(method, path, body, headers = {}) {
    try {
      const answer = await fetch(`${this.address}/api/v1${path}`, {
        method,
        headers: {
          ...(this.token && { authorization: `Bearer ${this.token}` }),
          ...(body !== undefined && !Buffer.isBuffer(body) && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      })
      const bytes = Buffer.from(await answer.arrayBuffer())
      const isJson = (answer.headers.get('content-type') ?? '').includes('json')
      const given = { status: answer.status, headers: answer.headers, bytes, body: isJson ? JSON.parse(bytes) : null }
      const blamed = answer.status >= 500 && ![502, 503, 504].includes(answer.status)
      tally.hold(BLAME, !blamed, () => `${method} ${path}: ${answer.status} ${bytes}`)
      return given
    } catch (error) {
      return { status: 0, headers: new Headers(), bytes: Buffer.alloc(0), body: null, error }
    }
  }

  /** Every item of a list; null when it could not be read. */
  async list(path) {
    const mark = path.includes('?') ? '&' : '?'
    const all = []
    for (let page = 1; ; page++) {
      const { status, body } = await this.call('GET', `${path}${mark}page=${page}&size=200`)
      if (status !== 200) return null
      all.push(...body.items)
      if (body.items.length < 200) return all
    }
  }

  files() {
    return readdirSync(`/proc/${this.child.pid}/fd`).length
  }

  memory() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024)
  }
}
