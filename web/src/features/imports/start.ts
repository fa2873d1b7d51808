import type { Operation } from '@/api/types'
import type { ImportFile } from './files'

/** Starts an import for each file. What is refused is told at its file and can be started again; what has begun never is. */
export async function startImports(files: ImportFile[], call: (file: ImportFile) => Promise<Operation>, begun: (operation: Operation) => void): Promise<void> {
  for (const file of files) {
    file.error = null
    try {
      begun(await call(file))
      file.state = 'started'
    } catch (thrown) {
      file.error = thrown
    }
  }
}
