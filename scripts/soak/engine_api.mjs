// What an engine says it holds, asked directly.

import http from 'node:http'

function ask(socketPath, path) {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path, timeout: 10_000 }, async (answer) => {
      const chunks = []
      for await (const chunk of answer) chunks.push(chunk)
      resolve(JSON.parse(Buffer.concat(chunks)))
    })
    request.on('timeout', () => request.destroy(new Error(`${path}: no answer`)))
    request.on('error', reject)
  })
}

/** `reference id` of every reference, `id id` of what has none. */
export async function imagesOf({ socket }) {
  const images = await ask(socket, '/v1.41/images/json')
  const lines = images.flatMap(({ Id, RepoTags }) => {
    const tags = (RepoTags ?? []).filter((tag) => !tag.includes('<none>') && !tag.includes('@')).map(familiar)
    return (tags.length > 0 ? tags : [Id]).map((name) => `${name} ${Id}`)
  })
  return lines.sort()
}

/** Podman writes names out in full. */
function familiar(name) {
  return name.replace(/^docker\.io\//, '').replace(/^library\//, '')
}

export async function containersOf({ socket }) {
  const containers = await ask(socket, '/v1.41/containers/json?all=1')
  return containers.map(({ Id, State }) => `${Id} ${State}`).sort()
}
