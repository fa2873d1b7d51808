/** More lines are let go from the start, so that following a talkative container for days stays light. */
export const LINES_KEPT = 50_000

// eslint-disable-next-line no-control-regex -- terminal colours are control characters
const COLOURS = /\u001b\[[0-9;?]*[A-Za-z]/g

/** Adds the whole lines of `text` to `lines`, without colours; returns what is not yet a line. */
export function appendLog(lines: string[], text: string): string {
  const parts = text.split('\n')
  const rest = parts.pop() ?? ''
  for (const part of parts) lines.push(part.replace(COLOURS, '').replace(/\r$/, ''))
  if (lines.length > LINES_KEPT) lines.splice(0, lines.length - LINES_KEPT)
  return rest
}
