/** The versions under one reference as people read them: A is the one that most servers hold. */
export function versionLetter(version: number | null | undefined): string {
  if (!version) return ''
  let letters = ''
  for (let rest = version; rest > 0; rest = Math.floor((rest - 1) / 26)) letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters
  return letters
}
