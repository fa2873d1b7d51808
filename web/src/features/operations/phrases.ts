/**
 * Titles and messages of operations are English sentences that the program stores. Here they are recognised by their form, so that the
 * page can say them in another language; what is not recognised is shown as it came.
 */
const PHRASES: [RegExp, string][] = [
  [/^Pull (?<what>\S+) to (?<where>.+)$/, 'pull'],
  [/^Push (?<what>\S+) from (?<where>.+)$/, 'push'],
  [/^Sync (?<where>.+)$/, 'sync'],
  [/^Tag (?<what>\S+) as (?<name>\S+) on (?<where>.+)$/, 'tag'],
  [/^Export (?<count>\d+) images of (?<where>.+)$/, 'exportServer'],
  [/^Export (?<count>\d+) images$/, 'exportMany'],
  [/^Export (?<what>\S+) from (?<where>.+)$/, 'export'],
  [/^Delete (?<count>\d+) images$/, 'deleteMany'],
  [/^Delete (?<what>\S+) from (?<where>.+)$/, 'delete'],
  [/^Create (?<name>\S+) from (?<what>\S+) on (?<where>.+)$/, 'create'],
  [/^Import (?<what>.+) to (?<where>.+?)$/, 'import'],
  [/^Copy (?<what>\S+) from (?<from>.+?) to (?<where>.+)$/, 'copy'],
  [/^Starting$/, 'starting'],
  [/^Asking the engine(?: for \S+)?$/, 'asking'],
  [/^Reading the server's images$/, 'reading'],
  [/^Reading (?<count>\d+) images$/, 'readingMany'],
  [/^Reading image (?<done>\d+) of (?<all>\d+)$/, 'readingOne'],
  [/^Storing the differences$/, 'storing'],
  [/^Pulling \S+$|^Pulling$/, 'pulling'],
  [/^Pushing \S+$/, 'pushing'],
  [/^Deleting \S+$/, 'deleting'],
  [/^Making room$/, 'makingRoom'],
  [/^(?:The engine|(?<server>.+)) prepares the (?:archive|image)$/, 'preparing'],
  [/^Writing the archive$/, 'writing'],
  [/^The archive is written$/, 'written'],
  [/^Sending the archive$/, 'sending'],
  [/^The engine unpacks the layers$/, 'unpacking'],
  [/^Loaded$/, 'loaded'],
  [/^Comparing the layers$/, 'comparing'],
  [/^Copied (?<what>\S+) from (?<from>.+)$/, 'copied'],
  [/^The server holds it already$/, 'heldAlready'],
  [/^Creating (?<name>\S+)$/, 'creating'],
  [/^Starting (?<name>\S+)$/, 'startingContainer'],
  [/^Waiting whether it stays up$/, 'watching'],
  [/^(?<name>\S+) runs$/, 'runs'],
  [/^Created (?<name>\S+); it was not started$/, 'created'],
  [/^Pulled \S+$/, 'pulled'],
  [/^Pushed \S+$/, 'pushed'],
  [/^Tagged \S+$/, 'tagged'],
  [/^Deleted \S+$/, 'deleted'],
  [/^Removed the name \S+; its content stays, because another name or a container holds it$/, 'untagged'],
  [/^Removed \S+ from the list; the server could not be asked, and is not known to hold it$/, 'unlisted'],
  [/^Imported (?<what>\S+)$/, 'imported'],
  [/^Imported (?<count>\d+) references$/, 'importedMany'],
  [/^(?<count>\d+) images: (?<added>\d+) new, (?<changed>\d+) changed, (?<gone>\d+) gone$/, 'synced'],
  [/^(?<what>\S+) is ready$/, 'ready'],
  [/^Done on (?<done>\d+) of (?<all>\d+)$/, 'doneOn'],
  [/^Waits for its turn$/, 'turn'],
  [/^Waits for: (?<phrase>.+)$/, 'waitsFor'],
  [/^Waits together with: (?<phrase>.+)$/, 'waitsTogether'],
  [/^Waits: the server is paused$/, 'waitsPaused'],
  [/^Waits: as many steps as allowed use the registry (?<what>\S*)$/, 'waitsRegistry'],
  [/^Waits for the off-peak window, which opens at (?<time>[\d:]+) \((?<zone>[^)]+)\)$/, 'waitsOffPeak'],
  [/^Tries again in (?<seconds>\d+) s: (?<why>.+)$/, 'triesAgain'],
]

export interface Phrase {
  key: string
  values: Record<string, string>
}

/** Which phrase a sentence is, and what it names. */
export function readPhrase(sentence: string): Phrase | null {
  for (const [form, key] of PHRASES) {
    const match = form.exec(sentence)
    if (!match) continue
    const values: Record<string, string> = {}
    for (const [name, value] of Object.entries(match.groups ?? {})) if (value !== undefined) values[name] = value
    return { key, values }
  }
  return null
}

/** `3 servers`, where a title names how many instead of which. */
export function readCount(where: string): number | null {
  const match = /^(\d+) servers$/.exec(where)
  return match ? Number(match[1]) : null
}
