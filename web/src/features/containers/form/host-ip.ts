const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const V4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** An address of IPv6, with or without brackets. */
function isV6(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  // The parser of addresses of pages knows every way to write one.
  return bare.includes(':') && URL.canParse(`http://[${bare}]/`)
}

export function isIp(text: string): boolean {
  return V4.test(text) || isV6(text)
}

const isWildcard = (text: string) => text === '0.0.0.0' || text.replace(/^\[(.*)\]$/, '$1') === '::'

/** Whether one port of both addresses is the same port: none means all, `0.0.0.0` and `::` mean all of their family. */
export function overlap(one: string, other: string): boolean {
  if (!one || !other || one === other) return true
  return isV6(one) === isV6(other) && (isWildcard(one) || isWildcard(other))
}
