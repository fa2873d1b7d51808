// What must hold whatever was killed, once everything is up again.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { begun } from './deeds.mjs'
import { containersOf, imagesOf } from './engine_api.mjs'
import { until } from './random.mjs'
import { tally } from './tally.mjs'

const run = promisify(execFile)

const ENDED = 'no operation or step stays open'
const ROWS = 'no image row stays PULLING or DELETING'
const TOLD = 'every operation ends with its one final event'
const BACK = 'the live events come back by themselves'
const IMAGES = 'the inventory is what the engines hold, by itself'
const CONTAINERS = 'the containers are what the engines hold, by itself'
const WHOLE = 'every export offered is whole: length, SHA-256, content'
const LEFT = 'the archive folder holds what the lists offer, and nothing else'
const FILES = 'open files stay few'
const MEMORY = 'memory stays small'

/** The lease of a step that lost its program, and then some. */
const QUIET = 150_000
/** A server that was away for long is asked again after a minute at the latest, and a look takes its time. */
const IN_STEP = 75_000
const MOST_FILES = 250
const MOST_MEMORY = 400

export async function checkAll(around) {
  const { program } = around
  await program.revive()
  await operationsEnd(program)
  await everyEndWasTold(around)
  for (const status of ['PULLING', 'DELETING']) {
    // A request that broke off in its middle is put right by the reconciler.
    const none = await until(20_000, async () => (await program.list(`/images?status=${status}`))?.length === 0)
    const rows = none ? [] : await program.list(`/images?status=${status}`)
    tally.hold(ROWS, none, () => JSON.stringify(rows))
  }
  for (const engine of around.engines) {
    await agree(IMAGES, engine, storedImages, imagesOf, program)
    await agree(CONTAINERS, engine, storedContainers, containersOf, program)
  }
  await archivesAreWhole(around)
  await folderIsTidy(program)
  tally.figure('open files', program.files())
  tally.figure('MiB of memory', program.memory())
  tally.hold(FILES, program.files() < MOST_FILES, () => `${program.files()}`)
  tally.hold(MEMORY, program.memory() < MOST_MEMORY, () => `${program.memory()} MiB`)
}

async function operationsEnd(program) {
  const ended = await until(QUIET, async () => (await program.list('/operations?active=true'))?.length === 0)
  const open = ended ? [] : await program.list('/operations?active=true')
  tally.hold(ENDED, ended, () => JSON.stringify(open, null, 1))
}

async function everyEndWasTold({ program, live }) {
  tally.hold(BACK, await until(15_000, live.isThere), () => 'still away')
  for (const operation of await program.list('/operations')) {
    const { body } = await program.call('GET', `/operations/${operation.id}`)
    const open = body.steps.filter((step) => ['queued', 'running'].includes(step.status))
    tally.hold(ENDED, open.length === 0, () => JSON.stringify(body))
    tally.outcome(body.id, body.kind, body.status)
    const ended = Date.parse(body.finishedAt)
    const there = live.wasThere(ended, ended)
    await until(there ? 10_000 : 0, () => live.of(body.id).ends > 0)
    const { ends, status } = live.of(body.id)
    // The answer to its beginning may have been lost with the program.
    const most = Math.max(begun.get(body.id) ?? 1, 1)
    const holds = ends <= most && (!there || (ends > 0 && status === body.status))
    tally.hold(TOLD, holds, () => `begun ${most} times, heard ${ends} ends, the last ${status}: ${JSON.stringify(body)}`)
  }
}

/** Compares a set of lines with another until they are equal. */
async function agree(invariant, engine, stored, held, program) {
  let [theirs, ours] = [[], []]
  const equal = await until(IN_STEP, async () => {
    theirs = await held(engine).catch((error) => [String(error)])
    ours = await stored(program, engine)
    return JSON.stringify(theirs) === JSON.stringify(ours)
  })
  const without = (one, other) => one.filter((line) => !other.includes(line))
  const { body } = equal ? {} : await program.call('GET', `/servers/${engine.id}`)
  tally.hold(
    invariant,
    equal,
    () => `${engine.name}: missing ${without(theirs, ours)}, surplus ${without(ours, theirs)}; ${JSON.stringify(body)}`,
  )
}

/** Rows that a failed first pull left name no content. */
async function storedImages(program, engine) {
  const rows = (await program.list(`/images?serverId=${engine.id}`)) ?? []
  return rows.filter((row) => row.engineId).map((row) => `${row.fullName} ${row.engineId}`).sort()
}

async function storedContainers(program, engine) {
  const rows = (await program.list(`/containers?serverId=${engine.id}`)) ?? []
  return rows.map((row) => `${row.engineId} ${row.state}`).sort()
}

async function archivesAreWhole({ program, dir }) {
  const scratch = join(dir, 'scratch')
  for (const kept of await program.list('/exports')) {
    const { status, bytes } = await program.call('GET', `/exports/${kept.id}/file`)
    let wrong = status === 200 ? '' : `answers ${status}`
    if (!wrong && bytes.length !== kept.size) wrong = `${bytes.length} bytes came`
    if (!wrong && createHash('sha256').update(bytes).digest('hex') !== kept.sha256) wrong = 'its SHA-256 is another'
    if (!wrong) {
      mkdirSync(scratch, { recursive: true })
      const file = join(scratch, kept.fileName)
      writeFileSync(file, bytes)
      wrong = await whatTarSays(file).catch((error) => String(error))
      rmSync(scratch, { recursive: true })
    }
    tally.hold(WHOLE, !wrong, () => `${wrong}: ${JSON.stringify(kept)}`)
  }
}

/** Whether everything that the manifest names is there. */
async function whatTarSays(file) {
  const most = { maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await run('tar', ['-tf', file], most)
  const names = new Set(stdout.split('\n'))
  const document = names.has('manifest.json') ? 'manifest.json' : 'index.json'
  const { stdout: text } = await run('tar', ['-xOf', file, document], most)
  const items = JSON.parse(text)
  if (document === 'index.json') return items.manifests.length > 0 ? '' : 'its index is empty'
  const missing = items.flatMap((item) => [item.Config, ...item.Layers]).filter((name) => !names.has(name))
  return missing.length === 0 && items.length > 0 ? '' : `it lacks ${missing}`
}

async function folderIsTidy(program) {
  const surplus = async () => {
    const wrong = []
    for (const kind of ['exports', 'uploads']) {
      const known = new Set(((await program.list(`/${kind}`)) ?? []).map((one) => one.id))
      for (const path of filesBelow(join(program.data, 'archives', kind))) {
        if (!known.has(path.split('/')[0]) || path.includes('#')) wrong.push(`${kind}/${path}`)
      }
    }
    return wrong
  }
  // A program that was killed counts as one that may still be writing for the length of its lease, and a while more until it is looked at.
  const tidy = await until(45_000, async () => (await surplus()).length === 0)
  const left = tidy ? [] : await surplus()
  tally.hold(LEFT, tidy, () => left.join(', '))
}

function filesBelow(folder) {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
  } catch {
    return [] // nothing was ever kept
  }
}
