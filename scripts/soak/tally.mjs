// What was done, what struck, what was looked at, and what did not hold.

const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)
const rows = (map) => [...map].sort(([one], [other]) => (one < other ? -1 : 1))

export const tally = {
  faults: new Map(),
  outcomes: new Map(),
  checks: new Map(),
  figures: new Map(),
  breaches: [],

  fault: (kind) => count(tally.faults, kind),
  /** How an operation stands at last: a retried one ends once more. */
  outcome: (id, kind, status) => tally.outcomes.set(id, `${kind} ${status}`),

  breach(invariant, how) {
    // At once: what follows may hide it.
    console.log(`BREACH  ${invariant}: ${how}`)
    tally.breaches.push({ invariant, how })
  },

  hold(invariant, holds, how) {
    count(tally.checks, invariant)
    if (!holds) tally.breach(invariant, how())
  },

  /** The least and the most of a figure. */
  figure(name, value) {
    const [least, most] = tally.figures.get(name) ?? [value, value]
    tally.figures.set(name, [Math.min(least, value), Math.max(most, value)])
  },

  print(title) {
    console.log(`\n--- ${title}\nfaults injected`)
    for (const [kind, times] of rows(tally.faults)) console.log(`  ${String(times).padStart(6)}  ${kind}`)
    console.log('operations ended')
    const outcomes = new Map()
    for (const outcome of tally.outcomes.values()) count(outcomes, outcome)
    for (const [kind, times] of rows(outcomes)) console.log(`  ${String(times).padStart(6)}  ${kind}`)
    console.log('figures, least and most')
    for (const [name, [least, most]] of rows(tally.figures)) console.log(`  ${String(least).padStart(6)} ${String(most).padStart(6)}  ${name}`)
    console.log('invariants: checked, breached')
    for (const [invariant, times] of rows(tally.checks)) {
      const breached = tally.breaches.filter((breach) => breach.invariant === invariant).length
      console.log(`  ${String(times).padStart(6)} ${String(breached).padStart(6)}  ${invariant}`)
    }
    console.log(`breaches: ${tally.breaches.length}`)
  },
}
