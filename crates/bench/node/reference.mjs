// reference.mjs BURST PERIOD: Node's own Socket.IO server, which sends BURST progress events to everybody every PERIOD milliseconds.
// Prints its port; ends with its standard input.

import { createServer } from 'node:http'
import { Server } from 'socket.io'

const [burst, period] = process.argv.slice(2).map(Number)
const http = createServer()
const server = new Server(http, { transports: ['websocket'], serveClient: false })
server.on('connection', (socket) => socket.join('everybody'))

// As long as one of imagefleet's own.
const layer = (id) => ({ id, status: 'Downloading', current: 12_582_912, total: 31_457_280 })
const event = (number, seq, timestamp) => ({
  operationId: `01990000-0000-7000-8000-0000000000${number}`,
  type: 'pull_image',
  title: `Pull bench/app-${number}:1.0 to server-00${number}`,
  serverId: number,
  serverName: `server-00${number}`,
  imageId: null,
  imageName: `bench/app-${number}`,
  imageTag: '1.0',
  progress: seq % 100,
  status: 'running',
  message: 'Downloading 2 of 4 layers',
  bytesDone: 12_582_912 + seq,
  bytesTotal: 125_829_120,
  bytesPerSecond: 25_000_000,
  layers: ['0f1e2d3c4b5a', '1a2b3c4d5e6f', '2b3c4d5e6f70', '3c4d5e6f7081'].map(layer),
  seq,
  timestamp,
})

let seq = 0
setInterval(() => {
  seq += 1
  // They tell of one moment, as imagefleet's do: the state of all steps was stored then.
  const now = new Date().toISOString()
  for (let number = 10; number < 10 + burst; number += 1) {
    server.to('everybody').emit('docker_image_pull_progress', event(number, seq, now))
  }
}, period)

http.listen(0, '127.0.0.1', () => console.log(http.address().port))
process.stdin.resume().on('end', () => process.exit(0))
