// node register.mjs ADDRESS NAME=ENDPOINT...: tells a running imagefleet about servers and registries (an ENDPOINT with http), through its
// own interface, and has it look at them. What is registered already stays as it is; only an address that moved is written anew.

const [address, ...wanted] = process.argv.slice(2)
const password = process.env.IMAGEFLEET_ADMIN_PASSWORD
let cookie = ''

async function call(method, path, body) {
  const answer = await fetch(`${address}/api/v1${path}`, {
    method,
    headers: { ...(cookie && { cookie }), ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  const session = answer.headers.getSetCookie().map((one) => one.split(';')[0])
  if (path === '/session' && session.length > 0) cookie = session.join('; ')
  return text ? JSON.parse(text) : null
}

async function register(list, field, name, where, more) {
  const { items } = await call('GET', `${list}?size=200`)
  const known = items.find((one) => one[field] === where) ?? items.find((one) => one.name === name)
  if (!known) {
    await call('POST', list, { name, [field]: where, ...more })
    console.log(`[run] registered ${name} (${where})`)
  } else if (known[field] !== where) {
    await call('PATCH', `${list}/${known.id}`, { [field]: where })
    console.log(`[run] ${name} has moved to ${where}`)
  }
}

try {
  await call('POST', '/session', { username: 'admin', password })
} catch (error) {
  console.log(`[run] the first password no longer works, so servers are not registered (${error.message})`)
  process.exit(0)
}
for (const one of wanted) {
  const [name, where] = [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]
  if (where.startsWith('http')) await register('/registries', 'url', name, where, { plainHttp: true })
  else await register('/servers', 'endpoint', name, where)
}
await call('POST', '/images/sync', {})
await call('DELETE', '/session')
