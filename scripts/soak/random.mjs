// Numbers that follow from a seed (mulberry32), and a pause.

export function makeRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (bound) => Math.floor(next() * bound)
  const of = (all) => all[below(all.length)]
  /** One to `most` of these, each once. */
  const some = (all, most) => {
    const left = [...all]
    const chosen = []
    for (let count = 1 + below(most); count > 0 && left.length > 0; count--) chosen.push(...left.splice(below(left.length), 1))
    return chosen
  }
  return { below, of, some }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Looks until `look` gives something true or the time is over; what it gave last. */
export async function until(ms, look) {
  const end = Date.now() + ms
  for (;;) {
    const seen = await look()
    if (seen || Date.now() > end) return seen
    await sleep(200)
  }
}
