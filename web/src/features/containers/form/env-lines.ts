/** Lines of an env file: `NAME=value`, comments and blank lines left out, quotes around a value taken off. */
export function readEnvLines(text: string): { name: string; value: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.replace(/^\s*export\s+/, '').trim()
    if (!trimmed || trimmed.startsWith('#')) return []
    const at = trimmed.indexOf('=')
    const name = at < 0 ? trimmed : trimmed.slice(0, at).trim()
    const value = at < 0 ? '' : trimmed.slice(at + 1).trim()
    const quoted = /^(["'])(.*)\1$/.exec(value)
    return [{ name, value: quoted ? (quoted[2] ?? '') : value }]
  })
}
