/** Splits a command line as a shell would, without ever running one; null when a quote stays open. */
export function splitWords(text: string): string[] | null {
  const words: string[] = []
  let word = ''
  let open = false
  let quote: '"' | "'" | null = null
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string
    if (quote === "'") {
      if (char === "'") quote = null
      else word += char
    } else if (quote === '"') {
      if (char === '"') quote = null
      else if (char === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) word += text[(at += 1)]
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      open = true
    } else if (char === '\\' && at + 1 < text.length) {
      word += text[(at += 1)]
      open = true
    } else if (/\s/.test(char)) {
      if (open || word) words.push(word)
      word = ''
      open = false
    } else {
      word += char
    }
  }
  if (quote) return null
  if (open || word) words.push(word)
  return words
}

/** A word as it must stand in a POSIX shell to mean itself. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A string as YAML reads it back unchanged. */
export function yamlQuote(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
