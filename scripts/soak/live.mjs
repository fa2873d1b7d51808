// What the official Socket.IO client hears, through every reconnect.

import { createRequire } from 'node:module'
import { tally } from './tally.mjs'

const { io } = createRequire(new URL('../../web/package.json', import.meta.url))('socket.io-client')

const TWICE = 'no event of an operation comes twice or out of order'

export function listen(program) {
  const heard = new Map()
  /** When it was connected: `[from, to]`. */
  const spans = []
  const socket = io(program.address, { auth: { token: program.token }, reconnectionDelay: 100, reconnectionDelayMax: 500 })
  socket.on('connect', () => spans.push([Date.now(), Infinity]))
  socket.on('disconnect', () => {
    const last = spans.at(-1)
    if (last) last[1] = Date.now()
  })
  socket.onAny((name, told) => {
    if (!told?.operationId) return
    const of = heard.get(told.operationId) ?? { ends: 0, seq: 0 }
    tally.hold(TWICE, told.seq > of.seq, () => `${told.operationId}: ${name} ${told.seq} after ${of.seq}`)
    of.seq = told.seq
    if (name === 'operation_complete' || name === 'operation_error') {
      of.ends += 1
      of.status = told.status
    }
    heard.set(told.operationId, of)
  })
  return {
    of: (operation) => heard.get(operation) ?? { ends: 0, seq: 0 },
    /** Whether it was there all the time from a second before to a second after. */
    wasThere: (from, to) => spans.some(([begin, end]) => begin < from - 1_000 && to + 1_000 < end),
    isThere: () => socket.connected,
    stop: () => socket.disconnect(),
  }
}
