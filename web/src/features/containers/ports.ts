import type { Container } from '@/api/types'

/** `8080→80/tcp`, or `80/tcp` where nothing is published. */
export function portList(container: Container): string[] {
  const texts = container.ports.map((port) => `${port.host ? `${port.host}→` : ''}${port.container}/${port.protocol}`)
  // An engine tells the same port once for IPv4 and once for IPv6.
  return [...new Set(texts)]
}
