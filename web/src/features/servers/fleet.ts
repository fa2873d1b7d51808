/** A mark that is narrower can be seen, but not told from its neighbour. */
const LEAST_MARK = 3
/** On a small screen marks are touched. */
const LEAST_TOUCHED = 9
export const GAP = 3
export const SMALL_GAP = 1
/** The words beside the marks that tell how many are offline. */
const WORDS = 90

/** The room between the marks of so many servers in so much width; null where they do not fit and are counted instead. */
export function gapFor(count: number, width: number, touched: boolean): number | null {
  const least = touched ? LEAST_TOUCHED : LEAST_MARK
  return [GAP, SMALL_GAP].find((gap) => count * (least + gap) <= width - WORDS) ?? null
}

/** Where an arrow key, Home or End leads among so many; null for every other key. */
export function step(key: string, at: number, count: number): number | null {
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 }[key]
  return to === undefined || count === 0 ? null : Math.min(count - 1, Math.max(0, to))
}
