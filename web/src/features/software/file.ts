import { ApiError } from '@/api/problem'
import type { Software, SoftwareInput } from '@/api/types'

/** The form of the file; a later one is read as long as it says the same. */
const FORMAT = 'imagefleet-software/1'

const fault = (message: string) => new ApiError(0, 'invalid_input', message)

/** Own entries as one file. */
export function writeCatalogue(software: Software[]): string {
  const entries = software
    .filter((entry) => !entry.builtin)
    .map(({ name, icon, category, description, repository, defaultTag, form }) => ({ name, icon, category, description, repository, defaultTag, form }))
  return JSON.stringify({ format: FORMAT, software: entries }, null, 2)
}

export function readCatalogue(text: string): SoftwareInput[] {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    throw fault('The file is not JSON.')
  }
  const { format, software } = (file ?? {}) as { format?: unknown; software?: unknown }
  if (format !== FORMAT || !Array.isArray(software)) throw fault(`The file is not a catalogue (${FORMAT}).`)
  for (const entry of software as SoftwareInput[]) if (!entry.name || !entry.repository) throw fault('An entry lacks its name or its repository.')
  return software as SoftwareInput[]
}

/** Hands the file to the browser's download. */
export function saveCatalogue(software: Software[]): void {
  const address = URL.createObjectURL(new Blob([writeCatalogue(software)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = 'imagefleet-software.json'
  link.click()
  URL.revokeObjectURL(address)
}
