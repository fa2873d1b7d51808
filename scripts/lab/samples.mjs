// The sample images of the lab and of the sandbox, written by hand (no image can be pulled from outside): a busybox and a few files in
// several layers. They are the same on every run, so their digests can be relied on.
//
//   node samples.mjs push URL [user:password]   all of them into a registry, by its HTTP interface
//   node samples.mjs archives DIR               a few as archives of docker save's form, for trying imports

import { createCipheriv, createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const MEDIA = 'application/vnd.docker'
const CREATED = '2026-01-05T08:00:00Z'
const MIB = 1024 * 1024

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const json = (value) => Buffer.from(JSON.stringify(value))

/** A tar of `{path: {bytes, mode} | {link} | {dir}}`, in the ustar form. */
function tar(files) {
  const blocks = []
  for (const [path, file] of Object.entries(files)) {
    const bytes = file.bytes ?? Buffer.alloc(0)
    const header = Buffer.alloc(512)
    const octal = (value, at, length) => header.write(value.toString(8).padStart(length - 1, '0'), at)
    header.write(path, 0, 100)
    octal(file.mode ?? (file.dir ? 0o755 : 0o644), 100, 8)
    octal(0, 108, 8)
    octal(0, 116, 8)
    octal(bytes.length, 124, 12)
    octal(Date.parse(CREATED) / 1000, 136, 12)
    header.write('        ', 148)
    header.write(file.link ? '2' : file.dir ? '5' : '0', 156)
    if (file.link) header.write(file.link, 157, 100)
    header.write('ustar\u000000', 257)
    octal(header.reduce((sum, byte) => sum + byte, 0), 148, 8)
    blocks.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512))
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const text = (content, mode) => ({ bytes: Buffer.from(content), mode })

/** Bytes that no compression makes smaller, the same for the same seed. */
function noise(seed, length) {
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(seed).digest(), Buffer.alloc(16))
  return cipher.update(Buffer.alloc(length))
}

/** A layer: what it holds, by which command, and both of its digests. */
function layer(createdBy, files, level = 6) {
  const bytes = tar(files)
  const packed = gzipSync(bytes, { level })
  return { createdBy, bytes, packed, diffId: sha256(bytes), digest: sha256(packed) }
}

function busybox() {
  const path = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate))
  if (!path) throw new Error("busybox is missing; 'scripts/setup.sh sandbox' installs it")
  const files = { 'bin/': { dir: true }, 'bin/busybox': { bytes: readFileSync(path), mode: 0o755 } }
  const applets = 'sh cat date echo env false head hostname httpd id kill ls mkdir nc printf ps pwd rm seq sleep tail touch true uname wget yes'
  for (const applet of applets.split(' ')) files[`bin/${applet}`] = { link: 'busybox' }
  for (const folder of ['etc/', 'proc/', 'root/', 'sys/', 'tmp/', 'var/', 'usr/']) files[folder] = { dir: true }
  files['etc/passwd'] = text('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n')
  files['etc/group'] = text('root:x:0:\nnogroup:x:65534:\n')
  return layer('ADD busybox', files)
}

const BASE = busybox()
const script = (path, ...lines) => layer(`COPY ${path}`, { [path]: text(['#!/bin/sh', ...lines, ''].join('\n'), 0o755) })
// The first process of a container ends by a signal only when it says so itself.
const service = (path, said, command) => script(path, `echo "${said}"`, 'trap "exit 0" TERM QUIT INT', `${command} &`, 'wait')
const page = (title) => layer('COPY index.html', { 'var/www/': { dir: true }, 'var/www/index.html': text(`<h1>${title}</h1>\n`) })
const random = (name, mib) => layer(`COPY ${name}`, { 'data/': { dir: true }, [`data/${name}`]: { bytes: noise(name, mib * MIB) } }, 0)

/** An image: its manifest, config and layers. `also` names further files of its own, `config` is what `docker inspect` shows as Config. */
function image(layers, config, { architecture = 'amd64' } = {}) {
  const all = [BASE, ...layers]
  const body = json({
    architecture,
    os: 'linux',
    created: CREATED,
    config: { Env: ['PATH=/usr/bin:/bin'], ...config },
    rootfs: { type: 'layers', diff_ids: all.map((one) => one.diffId) },
    history: [...all.map((one) => ({ created: CREATED, created_by: one.createdBy })), { created: CREATED, created_by: 'CMD', empty_layer: true }],
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.distribution.manifest.v2+json`,
    config: { mediaType: `${MEDIA}.container.image.v1+json`, size: body.length, digest: sha256(body) },
    layers: all.map((one) => ({ mediaType: `${MEDIA}.image.rootfs.diff.tar.gzip`, size: one.packed.length, digest: one.digest })),
  })
  return { layers: all, config: body, manifest, architecture }
}

const web = (version, config = {}) =>
  image([service('serve', 'serving on port 80', 'httpd -f -v -p 80 -h /var/www'), page(`web ${version}`), random('assets', 2)], {
    Cmd: ['/serve'],
    ExposedPorts: { '80/tcp': {} },
    Labels: { 'org.opencontainers.image.version': version },
    ...config,
  })

// Look-alikes of what people run most: the names, ports, volumes and variables of the real ones, and something that answers on the port.
const nginx = (version) =>
  image([service('serve', 'start worker processes', 'httpd -f -v -p 80 -h /var/www'), page('Welcome to nginx!')], {
    Env: ['PATH=/usr/bin:/bin', `NGINX_VERSION=${version}`],
    Cmd: ['/serve'],
    ExposedPorts: { '80/tcp': {} },
    StopSignal: 'SIGQUIT',
  })
const redis = image(
  [
    script('reply', 'while read -r line; do case $line in *[Pp][Ii][Nn][Gg]*) printf "+PONG\\r\\n" ;; *[Qq][Uu][Ii][Tt]*) printf "+OK\\r\\n"; exit ;; esac; done'),
    // Under the real one's name: the catalogue starts it with arguments of its own.
    service('bin/redis-server', 'Ready to accept connections tcp', 'nc -ll -p 6379 -e /reply'),
  ],
  { Env: ['PATH=/usr/bin:/bin', 'REDIS_VERSION=7.2.5'], Cmd: ['redis-server'], ExposedPorts: { '6379/tcp': {} }, Volumes: { '/data': {} }, WorkingDir: '/data' },
)
const mysql = image(
  [
    script('reply', 'printf "\\112\\0\\0\\0\\0128.0.39-lookalike\\0"; sleep 1'),
    script(
      'serve',
      'if [ -z "$MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD$MYSQL_RANDOM_ROOT_PASSWORD" ]; then',
      '  echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2',
      '  echo "    You need to specify one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD" >&2',
      '  exit 1',
      'fi',
      'echo "/usr/sbin/mysqld: ready for connections. port: 3306"',
      'trap "exit 0" TERM QUIT INT',
      'nc -ll -p 3306 -e /reply &',
      'wait',
    ),
  ],
  {
    Env: ['PATH=/usr/bin:/bin', 'MYSQL_MAJOR=8.0'],
    Entrypoint: ['/serve'],
    Cmd: ['mysqld'],
    ExposedPorts: { '3306/tcp': {}, '33060/tcp': {} },
    Volumes: { '/var/lib/mysql': {} },
  },
)
const box = image([], { Cmd: ['sh'] })
const ticker = image(
  [script('tick', 'trap "exit 0" TERM', 'i=0', 'while :; do i=$((i+1)); echo "line $i"; echo "warning $i" >&2; sleep 1 & wait $!; done')],
  { Cmd: ['/tick'] },
)
const crash = image([script('crash', 'echo "reading settings"', 'echo "fatal: no settings" >&2', 'exit 3')], { Cmd: ['/crash'] })
const large = image([24, 16, 12, 6, 2].map((mib, at) => random(`part-${at + 1}`, mib)), { Cmd: ['sh'] })

/** repository:tag -> image, or the platforms of an index. */
const IMAGES = {
  'library/nginx:1.26': nginx('1.26.3'),
  'library/nginx:1.27': nginx('1.27.4'),
  'library/nginx:latest': nginx('1.27.4'),
  'library/mysql:8.0': mysql,
  'library/redis:7.2': redis,
  'demo/web:1.0': web('1.0'),
  'demo/web:1.1': web('1.1'),
  'demo/web:latest': web('1.1'),
  'demo/api:2.3.1': web('2.3.1', { User: 'nobody', WorkingDir: '/tmp', Entrypoint: ['/serve'], Cmd: ['--verbose'] }),
  'demo/multi:1.0': [web('1.0'), image([page('arm')], { Cmd: ['/serve'] }, { architecture: 'arm64' })],
  'demo/arm:1.0': image([page('arm')], { Cmd: ['/serve'] }, { architecture: 'arm64' }),
  'tools/box:latest': box,
  'tools/ticker:latest': ticker,
  'tools/crash:latest': crash,
  'data/large:1.0': large,
}
// Enough tags that a list of them has pages.
for (let build = 1; build <= 120; build += 1) IMAGES[`team/builds:b${build}`] = box

/** Puts every image into the registry at `url`. */
async function push(url, credentials) {
  const headers = credentials ? { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } : {}
  const call = async (method, path, body, type) => {
    const answer = await fetch(new URL(path, url), { method, body, headers: { ...headers, ...(type && { 'content-type': type }) } })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    await answer.arrayBuffer()
    return answer
  }
  // Each blob goes up once and is mounted into the other repositories, once each: what is written twice at a time is seen half written.
  const begun = new Map()
  const once = (key, begin) => {
    if (!begun.has(key)) begun.set(key, begin())
    return begun.get(key)
  }
  const upload = async (repository, digest, bytes) => {
    const start = await call('POST', `/v2/${repository}/blobs/uploads/`)
    const target = new URL(start.headers.get('location'), url)
    target.searchParams.set('digest', digest)
    await call('PUT', target, bytes, 'application/octet-stream')
    return repository
  }
  const blob = async (repository, digest, bytes) => {
    const from = await once(digest, () => upload(repository, digest, bytes))
    if (from !== repository) await once(`${repository}@${digest}`, () => call('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${from}`))
  }
  const one = async (repository, reference, { layers, config, manifest }) => {
    await Promise.all([...layers.map((part) => blob(repository, part.digest, part.packed)), blob(repository, sha256(config), config)])
    await call('PUT', `/v2/${repository}/manifests/${reference}`, manifest, `${MEDIA}.distribution.manifest.v2+json`)
  }
  const pushed = async ([name, content]) => {
    const [repository, tag] = name.split(':')
    if (!Array.isArray(content)) return one(repository, tag, content)
    for (const platform of content) await one(repository, sha256(platform.manifest), platform)
    const index = json({
      schemaVersion: 2,
      mediaType: `${MEDIA}.distribution.manifest.list.v2+json`,
      manifests: content.map(({ manifest, architecture }) => ({
        mediaType: `${MEDIA}.distribution.manifest.v2+json`,
        size: manifest.length,
        digest: sha256(manifest),
        platform: { architecture, os: 'linux' },
      })),
    })
    return call('PUT', `/v2/${repository}/manifests/${tag}`, index, `${MEDIA}.distribution.manifest.list.v2+json`)
  }
  const waiting = Object.entries(IMAGES)
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (waiting.length > 0) await pushed(waiting.shift())
    }),
  )
}

/** An archive of docker save's form with these images; layers that they share are in it once. */
function archive(names) {
  const files = {}
  const manifest = names.map((name) => {
    const { config, layers } = IMAGES[name]
    const configPath = `${sha256(config).slice(7)}.json`
    files[configPath] = { bytes: config }
    for (const one of layers) files[`${one.diffId.slice(7)}/layer.tar`] = { bytes: one.bytes }
    return { Config: configPath, RepoTags: [name.replace('library/', '')], Layers: layers.map((one) => `${one.diffId.slice(7)}/layer.tar`) }
  })
  return tar({ ...files, 'manifest.json': { bytes: json(manifest) } })
}

function archives(dir) {
  mkdirSync(dir, { recursive: true })
  const single = archive(['demo/web:1.0'])
  writeFileSync(join(dir, 'web.tar'), single)
  writeFileSync(join(dir, 'web.tar.gz'), gzipSync(single))
  writeFileSync(join(dir, 'shop.tar'), archive(['library/nginx:1.27', 'library/redis:7.2', 'library/mysql:8.0']))
  writeFileSync(join(dir, 'arm.tar'), archive(['demo/arm:1.0']))
  writeFileSync(join(dir, 'truncated.tar'), single.subarray(0, single.length / 2))
}

const [verb, target, credentials] = process.argv.slice(2)
if (verb === 'push' && target) await push(target, credentials)
else if (verb === 'archives' && target) archives(target)
else throw new Error('usage: samples.mjs push URL [user:password] | samples.mjs archives DIR')
