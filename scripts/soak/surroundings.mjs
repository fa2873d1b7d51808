// Everything that the suite works with, each part one that can be killed and started again: two engines of Docker's and Podman, a
// registry behind a slow line, a database, and the program itself. All in a folder of its own, which goes with it.

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { listen } from './live.mjs'
import { Program } from './program.mjs'
import { until } from './random.mjs'

const LAB = fileURLToPath(new URL('../lab/', import.meta.url))
const ENGINES = { docker20: 'docker20', containerd: 'docker28-containerd', podman: 'podman' }
/** MiB a second of the slow line: pulls take long enough to be met in their middle. */
const LINE = 12

const run = promisify(execFile)
const lab = (verb, ...args) => run(join(LAB, verb), args.map(String))

/** What was killed may leave something behind that is gone a moment later, PostgreSQL its other processes: then it is tried again. */
async function up(pidFile, verb, ...args) {
  for (let tries = 3; ; tries--) {
    try {
      return await lab(verb, ...args)
    } catch (error) {
      if (tries === 1) throw error
      await killByFile(pidFile)
    }
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** KILL, and waits until it is gone. */
async function killByFile(file) {
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  const gone = () => {
    try {
      process.kill(pid, 0)
      return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    } catch {
      return true
    }
  }
  if (!gone()) process.kill(pid, 'SIGKILL')
  await until(10_000, gone)
  // Nobody may have collected it yet: for its script it would still be alive.
  rmSync(file, { force: true })
}

export async function bringUp(binary, database) {
  const dir = mkdtempSync(join(tmpdir(), 'imagefleet-soak.'))
  const [registryPort, slowPort, postgresPort] = [await freePort(), await freePort(), await freePort()]
  writeFileSync(join(dir, 'ports'), `${registryPort}\n${slowPort}\n`)
  const around = { dir, engines: [], registry: `127.0.0.1:${slowPort}` }

  const part = (name, folder, verb, ...args) => {
    const pidFile = join(dir, folder, 'pid')
    return { name, kill: () => killByFile(pidFile), revive: () => up(pidFile, verb, ...args, dir) }
  }
  const engine = (name) => ({
    ...part(name, name, 'engine-up', name, ENGINES[name]),
    socket: join(dir, name, 'run', 'docker.sock'),
  })
  const registry = part('the registry', 'registry', 'registry-up', 'registry', registryPort)
  const postgres = part('the database', 'postgres', 'postgres-up', postgresPort)
  let line
  around.down = async () => {
    await around.live?.stop()
    await around.program?.kill()
    line?.kill()
    await lab('lab-down', dir)
  }
  around.victims = (kind) => ({ program: [around.program], engine: around.engines, registry: [registry], database: [postgres] })[kind]

  try {
    around.engines = Object.keys(ENGINES).map(engine)
    const parts = [...around.engines.map((one) => one.revive()), registry.revive()]
    if (database === 'postgres') parts.push(postgres.revive())
    await Promise.all(parts)
    await run('node', [join(LAB, 'samples.mjs'), 'push', `http://127.0.0.1:${registryPort}`])
    line = spawn('node', [join(LAB, 'slow-proxy.mjs'), slowPort, registryPort, LINE].map(String), { stdio: 'ignore' })
    const url = database === 'postgres' ? `postgres://imagefleet@127.0.0.1:${postgresPort}/postgres` : ''
    around.program = new Program(binary, join(dir, 'imagefleet'), await freePort(), url)
    await around.program.revive()
    await around.program.getToken()
    around.live = listen(around.program)
    for (const one of around.engines) {
      const added = await around.program.call('POST', '/servers', { name: one.name, endpoint: `unix://${one.socket}` })
      one.id = added.body.id
    }
    return around
  } catch (error) {
    const log = join(dir, 'imagefleet.log')
    if (existsSync(log)) console.error(readFileSync(log, 'utf8').split('\n').slice(-40).join('\n'))
    await around.down()
    throw error
  }
}
