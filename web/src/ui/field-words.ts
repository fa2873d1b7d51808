/**
 * What the program says of one field is an English clause without its subject. Here the usual ones are recognised, so that the page can
 * say them in another language.
 */
const CLAUSES: [RegExp, string][] = [
  [/^is required\b/, 'required'],
  [/^is wrong$/, 'wrong'],
  [/^is too long$/, 'tooLong'],
  [/^must have (?<least>\d+) to (?<most>\d+) printable characters$/, 'printable'],
  [/^must have at most (?<most>\d+) (?:printable )?characters$/, 'atMost'],
  [/^must have (?<least>\d+) characters or more$/, 'atLeast'],
  [/^must have (?<most>\d+) bytes or less$/, 'bytes'],
  [/^must not be the user name$/, 'userName'],
  [/^must be 1 to (?<most>\d+) letters, digits or the characters \. _ - @$/, 'accountName'],
  [/^must have at most (?<most>\d+) printable characters and no colon$/, 'noColon'],
  [/^a tag has 1 to (?<most>\d+) characters, none of them a quote, a backslash or a comma$/, 'tag'],
  [/^must be 1 to (?<most>\d+), or null\b/, 'limit'],
  [/^must be an address such as (?<example>\S+)$/, 'address'],
  [/^must begin with https:\/\//, 'scheme'],
  [/^must not hold a password\b/, 'noPassword'],
  [/^must be the address of the registry alone\b/, 'hostOnly'],
  [/^must be true for an address that begins with http:\/\//, 'plainHttp'],
  [/^must be the beginning of a repository's path\b/, 'namespace'],
  [/^must not have a tag or digest\b/, 'noTag'],
  [/^is not a tag$/, 'notATag'],
  [/^(?:is no|is broken|holds no) .*(?:PEM|certificate)/, 'pem'],
  [/^is no private key\b/, 'privateKey'],
  [/^must be SHA256:/, 'hostKey'],
]

/** Which clause it is, and the values in it; null where it is none of the usual ones. */
export function readClause(message: string): { key: string; values: Record<string, string> } | null {
  for (const [pattern, key] of CLAUSES) {
    const match = pattern.exec(message)
    if (match) return { key, values: { ...match.groups } }
  }
  return null
}

/** An English clause as a sentence below its field. */
export function asSentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}${/[.!?…]$/.test(clause) ? '' : '.'}`
}
