import { expect, it } from 'vitest'
import { appendLog, LINES_KEPT } from './log-lines'

it('joins a line that came in two parts and takes colours off', () => {
  const lines: string[] = []
  const rest = appendLog(lines, '\u001b[31mone\u001b[0m\r\ntw')
  expect(appendLog(lines, `${rest}o\nthree`)).toBe('three')
  expect(lines).toEqual(['one', 'two'])
})

it('keeps the newest lines only', () => {
  const lines: string[] = []
  appendLog(lines, Array.from({ length: LINES_KEPT + 10 }, (_, index) => `${index}\n`).join(''))
  expect(lines).toHaveLength(LINES_KEPT)
  expect(lines[0]).toBe('10')
})
