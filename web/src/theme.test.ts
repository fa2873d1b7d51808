import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(join(import.meta.dirname, 'theme.css'), 'utf8')
const LEAST = 4.5

/** The custom properties of every rule whose selector is one of these; what stands later wins. */
function variables(...selectors: string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, selector, body] of css.matchAll(/^([^{}@\n][^{}]*)\{([^{}]*)\}/gm))
    if (selectors.includes((selector ?? '').replace(/\/\*[\s\S]*\*\//, '').trim()))
      for (const [, name, value] of (body ?? '').matchAll(/(--[\w-]+):\s*([^;]+);/g)) found.set(name as string, value as string)
  return found
}

const LIGHT = variables(':root', 'html:root')
const DARK = new Map([...LIGHT, ...variables('html:root.dark', 'html.dark')])
const themes = { light: LIGHT, dark: DARK }

function colour(theme: Map<string, string>, name: string): string {
  const value = name.startsWith('--') ? (theme.get(name) ?? '') : name
  const inner = /^var\((--[\w-]+)\)$/.exec(value)?.[1]
  return inner ? colour(theme, inner) : value
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

const GROUNDS = ['--ground', '--surface', '--surface-2', '--hover', '--accent-soft']
const pairs: Record<keyof typeof themes, [string, string][]> = {
  light: [
    ['#ffffff', '--accent'], ['#ffffff', '--el-color-primary-light-3'], ['#ffffff', '--el-color-primary-dark-2'],
    ['#ffffff', '--bad'], ['#ffffff', '--el-color-danger-light-3'], ['#ffffff', '--el-color-danger-dark-2'],
  ],
  dark: [
    ['--on-accent', '--accent'], ['--on-accent', '--el-color-primary-dark-2'],
    ['--on-bad', '--bad'], ['--on-bad', '--el-color-danger-light-3'], ['--on-bad', '--el-color-danger-dark-2'],
  ],
}

describe.each(['light', 'dark'] as const)('the %s theme', (name) => {
  const theme = themes[name]
  const texts = ['--ink', '--ink-2', '--ink-3', '--accent', '--bad', '--busy', '--el-text-color-placeholder', '--el-color-info'].flatMap((text) => GROUNDS.map((ground) => [text, ground]))
  const soft = [['--bad', '--bad-soft'], ['--ink-3', '--bad-soft'], ['--busy', '--busy-soft']]

  it.each([...texts, ...soft, ...pairs[name]] as [string, string][])('%s can be read on %s', (text, ground) => {
    expect(contrast(colour(theme, text), colour(theme, ground))).toBeGreaterThanOrEqual(LEAST)
  })
})

it('nothing that is to be read is made pale by opacity', () => {
  expect(variables('.last-known:not(tr),\ntr.last-known > td:not(.check)').get('--ink')).toBe('var(--ink-3)')
  expect(/\.last-known[^{}]*\{[^}]*opacity/.test(css)).toBe(false)
})
