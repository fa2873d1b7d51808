/** What stands for the name of an image that has none. A reference by digest is a name. */
export function isEngineId(fullName: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(fullName)
}
