import type { ProgressEvent } from '@/events/payloads'

/** A call that is under way and whose answer tells how operations stand, and the events that came since it began. */
export interface Read {
  begun: number
  heard: ProgressEvent[]
}

/**
 * Which answer is newer. What an event tells is stored before it is told: an answer holds every event that came before its call, and may
 * lack any that came after. So the answer to the later call is the newer one, and what was heard since is laid over it.
 */
export class Reads {
  private count = 0
  /** Calls that began before are of no use to anybody. */
  private useful = 0
  private readonly underWay = new Set<Read>()
  /** Of each operation, which call told of it last. */
  private readonly newest = new Map<string, number>()

  begin(): Read {
    this.count += 1
    const read = { begun: this.count, heard: [] }
    this.underWay.add(read)
    return read
  }

  end(read: Read): void {
    this.underWay.delete(read)
  }

  /** An event that changes what is known. */
  hear(event: ProgressEvent): void {
    for (const read of this.underWay) read.heard.push(event)
  }

  /** Takes note that a call tells of an operation, unless a later call has told of it already: then false. */
  tells(read: Read, id: string): boolean {
    if (read.begun <= this.useful || read.begun < (this.newest.get(id) ?? 0)) return false
    this.newest.set(id, read.begun)
    return true
  }

  forget(id: string): void {
    this.newest.delete(id)
  }

  /** What is asked now is asked for somebody else. */
  clear(): void {
    this.useful = this.count
    this.newest.clear()
  }
}
