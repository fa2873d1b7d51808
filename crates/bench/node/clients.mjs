// clients.mjs URL COUNT TOKEN: so many official Socket.IO clients. Prints "connected" when all are; from the line "begin" on its standard
// input to the line "end" it counts what they receive and how old that is, and prints both as JSON.

import { createInterface } from 'node:readline'
import { io } from 'socket.io-client'

const [url, count, token] = process.argv.slice(2)
// Of ages up to four seconds, a bucket a millisecond: sorting millions of them would cost the clients their time.
const ages = new Uint32Array(4_000)
let delivered = 0
let counting = false

function receive(payload) {
  if (!counting) return
  delivered += 1
  const age = Math.round(Date.now() - Date.parse(payload.timestamp))
  ages[Math.min(Math.max(age, 0), ages.length - 1)] += 1
}

function percentile(share) {
  let left = delivered * share
  return ages.findIndex((many) => (left -= many) < 0)
}

let connected = 0
for (let number = 0; number < Number(count); number += 1) {
  const socket = io(url, { transports: ['websocket'], auth: { token }, forceNew: true })
  socket.on('docker_image_pull_progress', receive)
  socket.on('connect_error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
  socket.once('connect', () => {
    connected += 1
    if (connected === Number(count)) console.log('connected')
  })
}

for await (const line of createInterface({ input: process.stdin })) {
  counting = line === 'begin'
  if (!counting) break
}
console.log(JSON.stringify({ delivered, p50: percentile(0.5), p99: percentile(0.99) }))
process.exit(0)
