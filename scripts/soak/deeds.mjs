// What a person might do, one at a time. A refusal is an answer too, and so is none: somebody may just have been killed.

import { randomBytes } from 'node:crypto'

const TAGS = ['demo/web:1.0', 'demo/web:1.1', 'library/nginx:1.27', 'library/redis:7.2', 'demo/api:2.3.1', 'data/large:1.0', 'data/large:1.0']

/** Operations begun: how often each. */
export const begun = new Map()

async function begin(around, path, body) {
  const { status, body: operation } = await around.program.call('POST', path, body)
  if (status === 202) begun.set(operation.id, (begun.get(operation.id) ?? 0) + 1)
}

const servers = (around, random) => random.some(around.engines.map((engine) => engine.id), 2)

/** Some of a server's images, mostly such as it really holds. */
async function imagesOn(around, random, server, most) {
  const listed = (await around.program.list(`/images?serverId=${server}`)) ?? []
  const there = listed.filter((image) => image.engineId || random.below(8) === 0)
  return random.some(there.map((image) => image.id), most)
}

const images = (around, random, most) => imagesOn(around, random, random.of(around.engines).id, most)

/** Something to work with: an image on every engine. */
export async function prepare(around) {
  const serverIds = around.engines.map((engine) => engine.id)
  for (const image of ['demo/web:1.0', 'library/redis:7.2']) {
    await begin(around, '/images/pull', { reference: `${around.registry}/${image}`, serverIds })
  }
}

const deeds = {
  async pull(around, random) {
    const reference = random.below(12) === 0 ? 'missing/app:1' : random.of(TAGS)
    await begin(around, '/images/pull', { reference: `${around.registry}/${reference}`, serverIds: servers(around, random) })
  },
  async sync(around) {
    await begin(around, '/images/sync', {})
  },
  async delete(around, random) {
    await begin(around, '/images/delete', { imageIds: await images(around, random, 2), force: true })
  },
  async export(around, random) {
    const compression = random.of(['none', 'gzip', 'zstd'])
    await begin(around, '/images/export', { imageIds: await images(around, random, 2), compression })
  },
  async import(around, random) {
    const exports = (await around.program.list('/exports')) ?? []
    const known = random.of(exports)
    if (!known) return
    const { status, bytes } = await around.program.call('GET', `/exports/${known.id}/file`)
    if (status !== 200) return
    const tus = { 'tus-resumable': '1.0.0' }
    const made = await around.program.call('POST', '/uploads', undefined, { ...tus, 'upload-length': String(bytes.length) })
    if (made.status !== 201) return
    const id = made.headers.get('location').split('/').pop()
    const middle = Math.floor(bytes.length / 2)
    for (const [offset, piece] of [[0, bytes.subarray(0, middle)], [middle, bytes.subarray(middle)]]) {
      const headers = { ...tus, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }
      await around.program.call('PATCH', `/uploads/${id}`, piece, headers)
    }
    await begin(around, '/images/import', { uploadId: id, serverIds: servers(around, random), force: true })
  },
  async copy(around, random) {
    const from = random.of(around.engines).id
    const [imageId] = await imagesOn(around, random, from, 1)
    const others = around.engines.map((engine) => engine.id).filter((id) => id !== from)
    if (imageId) await begin(around, '/images/copy', { imageId, serverIds: random.some(others, 2) })
  },
  async create(around, random) {
    const [imageId] = await images(around, random, 1)
    const form = { name: `made-${randomBytes(4).toString('hex')}`, networkMode: 'none', start: random.below(3) > 0 }
    if (imageId) await begin(around, `/images/${imageId}/containers`, form)
  },
  async removeContainer(around, random) {
    const known = random.of((await around.program.list('/containers')) ?? [])
    if (known) await around.program.call('DELETE', `/containers/${known.id}?force=true`)
  },
  async cancel(around, random) {
    const open = random.of((await around.program.list('/operations?active=true')) ?? [])
    if (open) await around.program.call('POST', `/operations/${open.id}/cancel`)
  },
  async retry(around, random) {
    const { body } = await around.program.call('GET', '/operations?size=30')
    const failed = random.of((body?.items ?? []).filter((one) => one.finishedAt && one.status !== 'succeeded'))
    if (!failed) return
    const { status } = await around.program.call('POST', `/operations/${failed.id}/retry`)
    if (status < 300 && status > 0) begun.set(failed.id, (begun.get(failed.id) ?? 0) + 1)
  },
  async removeArchive(around, random) {
    const kind = random.of(['exports', 'uploads'])
    const known = random.of((await around.program.list(`/${kind}`)) ?? [])
    if (known) await around.program.call('DELETE', `/${kind}/${known.id}`, undefined, { 'tus-resumable': '1.0.0' })
  },
}

const CHANCES = [
  ...Array(5).fill(deeds.pull),
  deeds.sync,
  ...Array(2).fill(deeds.delete),
  ...Array(4).fill(deeds.export),
  ...Array(3).fill(deeds.import),
  ...Array(3).fill(deeds.copy),
  ...Array(2).fill(deeds.create),
  deeds.removeContainer,
  deeds.cancel,
  deeds.retry,
  deeds.removeArchive,
]

export const oneDeed = (around, random) => random.of(CHANCES)(around, random)
