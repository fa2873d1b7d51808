/** Where an arrow key, Home or End leads among so many; null for every other key. */
export function step(key: string, at: number, count: number): number | null {
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 }[key]
  return to === undefined || count === 0 ? null : Math.min(count - 1, Math.max(0, to))
}

/** Moves the focus along the elements of a bar that are one stop of the tab key; the one that has it now, or null. */
export function moveAlong(event: KeyboardEvent, selector: string): HTMLElement | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(selector)]
  const to = step(event.key, all.findIndex((element) => element === document.activeElement), all.length)
  if (to === null) return null
  event.preventDefault()
  all[to]?.focus()
  return all[to] ?? null
}
