// node serve.mjs PORT DIR MODULES: serves a bucket "lab" out of DIR on 127.0.0.1:PORT; the account is S3RVER with the secret S3RVER.

import { createRequire } from 'node:module'
import { join } from 'node:path'

const [port, directory, modules] = process.argv.slice(2)
const S3rver = createRequire(join(modules, 'x.js'))('s3rver')
const server = new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  configureBuckets: [{ name: 'lab' }],
})
await server.run()
