import { io, type Socket } from 'socket.io-client'
import { ref } from 'vue'
import { PROGRESS_EVENTS, type FinalEvent, type ImagesChangedEvent, type ProgressEvent } from './payloads'

/** `live` while events arrive; `lost` after a connection broke and until it is back. */
export type LiveState = 'off' | 'live' | 'lost'
export const liveState = ref<LiveState>('off')

export interface EventHandlers {
  progress(event: ProgressEvent): void
  final(event: FinalEvent): void
  imagesChanged(event: ImagesChangedEvent): void
  containerStatus(): void
  /** Called at every (re)connection: events were missed, read the state again. */
  connected(): void
}

/** After the server itself ended or refused a connection, the client would not try again by itself. */
const TRY_AGAIN_MS = 3_000

let socket: Socket | null = null
let again: ReturnType<typeof setTimeout> | undefined

function lost(): void {
  liveState.value = 'lost'
  if (!socket || socket.active) return
  clearTimeout(again)
  again = setTimeout(() => socket?.connect(), TRY_AGAIN_MS)
}

/** Opens the page's one socket; it carries the session cookie. */
export function openSocket(handlers: EventHandlers): void {
  closeSocket()
  socket = io({ path: '/socket.io', transports: ['websocket', 'polling'], reconnectionDelayMax: 10_000 })
  socket.on('connect', () => {
    liveState.value = 'live'
    handlers.connected()
  })
  socket.on('disconnect', lost)
  socket.on('connect_error', lost)
  for (const name of PROGRESS_EVENTS) socket.on(name, handlers.progress)
  socket.on('operation_complete', handlers.final)
  socket.on('operation_error', handlers.final)
  socket.on('images_changed', handlers.imagesChanged)
  socket.on('docker_container_status', handlers.containerStatus)
}

export function closeSocket(): void {
  clearTimeout(again)
  socket?.off()
  socket?.disconnect()
  socket = null
  liveState.value = 'off'
}
