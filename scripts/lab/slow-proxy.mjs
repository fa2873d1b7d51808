// node slow-proxy.mjs PORT REGISTRY-PORT MIB-PER-SECOND: a registry behind a slow line, so that the progress of a pull can be watched,
// cancelled and killed. The speed is that of all its connections together.

import http from 'node:http'
import { pipeline, Transform } from 'node:stream'

const [port, registry, mibPerSecond] = process.argv.slice(2).map(Number)
if (!mibPerSecond) throw new Error('usage: slow-proxy.mjs PORT REGISTRY-PORT MIB-PER-SECOND')

let freeAt = 0
const slowed = () =>
  new Transform({
    transform(chunk, _encoding, done) {
      const now = performance.now()
      freeAt = Math.max(freeAt, now) + (chunk.length / (mibPerSecond * 1024 * 1024)) * 1000
      setTimeout(() => done(null, chunk), freeAt - now)
    },
  })

http
  .createServer((request, response) => {
    const { method, url: path, headers } = request
    const onward = http.request({ host: '127.0.0.1', port: registry, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      // A registry that dies in the middle of an answer ends it here too: an engine would wait for the rest for ever.
      pipeline(answer, slowed(), response, () => undefined)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  .listen(port, '127.0.0.1')
