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
