/**
 * What the audit log notes beside an action is English, made of a few forms. Here they are taken apart, so that the page can say them in
 * another language; what is none of them is shown as it came.
 */
const FORMS: [RegExp, string][] = [
  [/^from (?<what>.+)$/, 'from'],
  [/^grants: (?<what>.+)$/, 'grants'],
  [/^(?<count>\d+) lines from before (?<time>\S+)$/, 'swept'],
]

/** Fields that were changed, and ways in which something was done. */
const WORDS: Record<string, string> = {
  name: 'name', endpoint: 'endpoint', description: 'description', tags: 'tags', enabled: 'enabled', disabled: 'disabled', paused: 'paused', stepLimit: 'stepLimit',
  offPeak: 'offPeak', tls: 'tls', ssh: 'ssh', force: 'force', 'with volumes': 'volumes', 'new password': 'password',
}

export interface Note {
  key: string
  values: Record<string, string>
}

/** The parts of a note; null where one of them is not known. */
export function readNotes(detail: string): Note[] | null {
  const notes: Note[] = []
  for (const part of detail.split('; ')) {
    const form = FORMS.find(([pattern]) => pattern.test(part))
    if (form) {
      notes.push({ key: form[1], values: { ...form[0].exec(part)?.groups } })
      continue
    }
    for (const word of part.split(', ')) {
      const key = WORDS[word]
      if (!key) return null
      notes.push({ key, values: {} })
    }
  }
  return notes
}

/** How an operation ended is noted as its title, a colon, and what was said last; a reference has colons as well. */
export function splitEnd(detail: string, isTitle: (text: string) => boolean): { title: string; told: string } | null {
  for (let at = detail.indexOf(': '); at >= 0; at = detail.indexOf(': ', at + 1)) {
    const title = detail.slice(0, at)
    if (isTitle(title)) return { title, told: detail.slice(at + 2) }
  }
  return null
}
