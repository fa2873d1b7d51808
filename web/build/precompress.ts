import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import type { Plugin } from 'vite'

const COMPRESSIBLE = /\.(?:html|js|css|svg|json|webmanifest)$/
const SMALLEST_WORTH_COMPRESSING = 1024

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Leaves a `.br` and a `.gz` beside every text file, so that the server never compresses while it serves. */
export function precompress(): Plugin {
  let outDir = 'dist'
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir
    },
    async closeBundle() {
      for (const file of await filesBelow(outDir)) {
        if (!COMPRESSIBLE.test(file)) continue
        const { size } = await stat(file)
        if (size < SMALLEST_WORTH_COMPRESSING) continue
        const brotli = createBrotliCompress({
          params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: size },
        })
        await pipeline(createReadStream(file), brotli, createWriteStream(`${file}.br`))
        await pipeline(createReadStream(file), createGzip({ level: 9 }), createWriteStream(`${file}.gz`))
      }
    },
  }
}
